//! Lists the catalogue: the providers, what each calls its credentials, and which parameter each becomes.
//!
//! Nothing is stored and nothing is asked: all of it is compiled in.

#![expect(
    clippy::print_stdout,
    reason = "an example speaks to the person who runs it"
)]

use std::error::Error;

use tieline::Registry;

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::discover()?;
    for provider in registry.iter() {
        let known = provider.descriptor();
        println!("{} ({})", known.name, known.id);
        for row in known.mappings {
            println!("  {:<24} {}", row.credential, row.parameter.as_str());
        }
    }
    // Both ways, by any name that a provider goes by.
    if let Some(parameter) = registry.parameter_for("keap", "client_secret")? {
        println!("Keap's client_secret is {parameter}.");
    }
    Ok(())
}
