//! What a session gives up once its blocks are accepted: everything that playing does not take.
//!
//! Decoders read files of any origin, and a fault in one must cost its own channel at most. So before the
//! first decoding thread starts, the process confines itself for good: it may read the asset folders and
//! nothing else (landlock), and ask nothing of the kernel that has to do with networks, other processes or
//! the machine (`denied_calls`, seccomp). Descriptors that are open keep working: the control connection, the
//! output, standard error. The server, which decodes nothing, stays as it is and can fork further sessions.
//!
//! A kernel that lacks a part is said once a session and no reason not to play.

mod denied_calls;

use crate::asset::resolve;
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// The newest landlock whose rights are asked for; an older kernel enforces those it knows (Linux 6.12 all).
const LANDLOCK: ABI = ABI::V6;

/// What may be read besides assets. A session that plays opens none of it; the C library does in rare
/// cases: a library loaded late (`libgcc_s` to unwind), a count of processors, a heap that shrinks, a
/// backtrace.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/proc/self",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
];

/// The folders and files that a session may read, as Core named them.
#[derive(Debug, Clone, Default)]
pub struct AssetFolders {
    /// Without symbolic links; `None` for everything.
    real: Option<Vec<PathBuf>>,
}

impl AssetFolders {
    /// No limit: for an older Core, and for `render`, which is its user's own.
    #[must_use]
    pub fn everything() -> AssetFolders {
        AssetFolders { real: None }
    }

    /// The folders and files of `StartBlockPlanSession.asset_folders`; everything when there are none.
    ///
    /// One that is not there gives nothing to read and is left out, with a line in the log.
    #[must_use]
    pub fn new(uris: &[String]) -> AssetFolders {
        if uris.is_empty() {
            return AssetFolders::everything();
        }
        let real = uris.iter().filter_map(|uri| {
            let found = resolve(uri, Path::new("/"))
                .and_then(|path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display())));
            found.map_err(|why| tracing::info!("an asset folder is left out: {why}")).ok()
        });
        AssetFolders { real: Some(real.collect()) }
    }

    /// Judges a file by where it really lies, behind all symbolic links.
    ///
    /// # Errors
    /// A sentence for people: the file lies outside. One that cannot be found is left to who opens it.
    pub fn admit(&self, path: &Path) -> Result<(), String> {
        let (Some(folders), Ok(real)) = (&self.real, path.canonicalize()) else { return Ok(()) };
        if folders.iter().any(|folder| real.starts_with(folder)) {
            return Ok(());
        }
        let is_link = if real == path { String::new() } else { format!(" (it is {})", real.display()) };
        Err(format!(
            "{}{is_link} lies outside the folders given to this session; it may read {} only",
            path.display(),
            folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
        ))
    }
}

/// How far the process is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confinement {
    /// Landlock: of files, only assets can be read and nothing written.
    pub files: bool,
    /// Seccomp: calls that playing does not take are refused.
    pub calls: bool,
}

/// Confines the calling thread and all that it starts, for good. Call while the process has one thread.
///
/// What this kernel lacks is a line in the log and is left out.
pub fn confine(folders: &AssetFolders) -> Confinement {
    // This order: landlock forbids new privileges first, as both ask; its own calls come before the filter.
    let files = match confine_files(folders) {
        Ok(status) => {
            if let Some(line) = shortcoming(&status) {
                tracing::info!("landlock: {line}");
            }
            status.ruleset != RulesetStatus::NotEnforced
        }
        Err(error) => {
            tracing::info!("landlock: {error}; {READS_ALL}");
            false
        }
    };
    if files && folders.real.is_none() {
        tracing::info!("landlock: no asset folders were given; {READS_ALL}");
    }
    let calls = denied_calls::deny();
    if let Err(why) = &calls {
        tracing::info!(
            "seccomp: {why}; the session may open connections and start programs where landlock lets it"
        );
    }
    Confinement { files, calls: calls.is_ok() }
}

const READS_ALL: &str = "the session may read all files its user may";

/// Nothing may be written, made, removed or executed; no TCP port bound or connected to; no signal sent and
/// no abstract socket reached outside the session.
fn confine_files(folders: &AssetFolders) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let root = [PathBuf::from("/")];
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM_FILES, read))?
        .add_rules(path_beneath_rules(folders.real.as_deref().unwrap_or(&root), read))?
        .restrict_self()
}

/// What is missing, for the log; `None` when nothing is.
fn shortcoming(status: &RestrictionStatus) -> Option<String> {
    match (&status.ruleset, &status.landlock) {
        (RulesetStatus::FullyEnforced, _) => None,
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => Some(format!(
            "this kernel has its version {effective_abi:?}, which enforces a part of {LANDLOCK:?}"
        )),
        (_, LandlockStatus::NotEnabled) => {
            Some(format!("switched off in this kernel (`lsm=` on its command line); {READS_ALL}"))
        }
        (_, LandlockStatus::NotImplemented) => Some(format!("not in this kernel; {READS_ALL}")),
        _ => Some(format!("not enforced by this kernel; {READS_ALL}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_judged_by_where_it_really_lies() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let top = dir.path().canonicalize().unwrap_or_else(|e| panic!("{e}"));
        for folder in ["media", "media2", "nas"] {
            std::fs::create_dir(top.join(folder)).unwrap_or_else(|e| panic!("{e}"));
            std::fs::write(top.join(folder).join("a.mp4"), "x").unwrap_or_else(|e| panic!("{e}"));
        }
        symlink(top.join("nas/a.mp4"), top.join("media/out.mp4")).unwrap_or_else(|e| panic!("{e}"));
        symlink(top.join("media"), top.join("nas/way-in")).unwrap_or_else(|e| panic!("{e}"));
        let uris = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| top.join(name).to_string_lossy().into_owned()).collect()
        };
        let folders = AssetFolders::new(&uris(&["media", "gone"]));
        for inside in ["media/a.mp4", "media/../media/a.mp4", "nas/way-in/a.mp4", "media/not-there.mp4"] {
            assert_eq!(folders.admit(&top.join(inside)), Ok(()), "{inside}");
        }
        for outside in ["media2/a.mp4", "nas/a.mp4", "media/out.mp4", "media/../nas/a.mp4"] {
            let said = folders.admit(&top.join(outside)).unwrap_err();
            assert!(said.contains("outside the folders given to this session"), "{said}");
            assert!(said.contains(&*top.join(outside).to_string_lossy()), "{said}");
        }
        let single = AssetFolders::new(&[format!("file://{}", top.join("nas/a.mp4").display())]);
        assert_eq!(single.admit(&top.join("media/out.mp4")), Ok(()), "a file can be given by itself");
        assert!(single.admit(&top.join("media/a.mp4")).is_err());
        assert_eq!(AssetFolders::new(&[]).admit(&top.join("nas/a.mp4")), Ok(()));
        // Folders that are all gone are not the same as none given.
        assert!(AssetFolders::new(&uris(&["gone"])).admit(&top.join("nas/a.mp4")).is_err());
    }
}
