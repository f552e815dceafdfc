//! All servers of the catalog, one after the other. One that does not answer is told of and costs nobody anything: what
//! it told last still holds.

use super::prober::ProberCommand;
use super::scan::{BadFile, Ingest, IngestError, IngestReport, Progress};
use crate::catalog::{Catalog, ImporterKind};

/// Scans every source of the catalog that is a server.
///
/// # Errors
/// A failing catalog, no working prober. A server that cannot be asked is a warning in the report.
pub fn scan_servers(
    catalog: &mut Catalog,
    command: &ProberCommand,
    progress: &mut dyn Progress,
) -> Result<IngestReport, IngestError> {
    let mut all = IngestReport::default();
    for source in catalog.sources()?.iter().filter(|source| source.importer != ImporterKind::Files) {
        match Ingest::new(catalog, command.clone()).run_source(source, progress) {
            Ok(report) => all.add(report),
            Err(IngestError::Server { root, reason }) => {
                all.warnings.push(BadFile { path: root.into(), reason });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
