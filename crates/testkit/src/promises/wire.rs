//! What goes over the wire, both ways, looks as it was reviewed.

use crate::findings::{Findings, Stuck};
use crate::snapshot;
use crate::stage::Stage;
use crate::subject::Subject;
use crate::transcript::Transcript;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let transcript = Transcript::play(&stage).await?;
    if findings.is_empty() {
        snapshot::compare(subject, "wire", &transcript.text())?;
    }
    Ok(())
}
