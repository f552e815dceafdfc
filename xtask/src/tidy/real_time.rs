//! The files that run on real-time threads name nothing that may wait or format.

use super::Finding;
use crate::repository::TextFile;

/// Code of the `encode` and `air` threads and of what they share with others.
const FILES: [&str; 5] = ["air.rs", "bell.rs", "encode.rs", "frame_lane.rs", "unit_ring.rs"];
const FOLDER: &str = "engine/src/pipeline/";

const REFUSED: [&str; 9] =
    ["Mutex", "RwLock", "Condvar", ".lock(", "tracing::", "println!", "sleep(", "Instant::now", "Vec::new("];

pub(crate) fn check(file: &TextFile) -> Vec<Finding> {
    let name = file.path.strip_prefix(FOLDER);
    if !name.is_some_and(|name| FILES.contains(&name)) {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(number, line)| {
        REFUSED.iter().filter(|word| line.contains(**word)).map(move |word| {
            let message = format!("{word} on a real-time thread: it may wait, format or allocate");
            Finding::new(&file.path, number + 1, message)
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_is_refused_on_real_time_threads_alone() {
        let text = "// a Mutex\nuse std::sync::Mutex;\nlet a = b.lock();\n";
        let file = |path| crate::tidy::file(path, text);
        let lines: Vec<usize> = check(&file("engine/src/pipeline/air.rs")).iter().map(|f| f.line).collect();
        assert_eq!(lines, [2, 3]);
        assert_eq!(check(&file("engine/src/pipeline/shared_session.rs")), []);
    }
}
