//! Lists all providers of this program: a public one of Tieline's, and the private one.

// A crate that only stands in Cargo.toml is not linked, and registers nothing: name it.
use tieline_acme as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for provider in tieline::Registry::discover()?.iter() {
        let known = provider.descriptor();
        println!("{} ({})", known.name, known.id);
        for row in known.mappings {
            println!("  {:<24} {}", row.credential, row.parameter.as_str());
        }
    }
    Ok(())
}
