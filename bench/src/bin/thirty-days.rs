//! Thirty days of a channel through muxer and checker, at a variable and at a constant rate: what came out, and
//! how fast. Ends with 1 when a rule was broken.
//!
//! ```text
//! cargo run --release --package retrovue-bench --bin thirty-days [DAYS]
//! ```

use retrovue_bench::long_run::run;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let days: i64 = match std::env::args().nth(1) {
        Some(text) => {
            text.parse().map_err(|_| format!("\"{text}\" is no number of days; write thirty-days 30"))?
        }
        None => 30,
    };
    let mut clean = true;
    for (name, constant) in [("variable", false), ("constant", true)] {
        let begun = Instant::now();
        let long = run(days * 86_400, constant);
        let (report, taken) = (&long.report, begun.elapsed().as_secs_f64());
        println!(
            "{name} rate: {days} days, {} blocks, {} wraps, {} late units, {} packets, {:.1} GB at {} bit/s in {taken:.0} s, {:.0} MB/s",
            long.blocks,
            long.wraps,
            long.late,
            report.packets,
            report.bytes as f64 / 1e9,
            report.bit_rate,
            report.bytes as f64 / 1e6 / taken
        );
        for clock in &report.clocks {
            println!(
                "  longest interval of PCRs {} us, accuracy {:?} ps",
                clock.longest_interval_us, clock.accuracy_ps
            );
        }
        for rule in &report.rules {
            println!("  {:6} {:?} {}", rule.id, rule.verdict, rule.title);
        }
        clean &= long.late == 0;
        if !report.is_clean() {
            clean = false;
            println!("{report}");
        }
    }
    Ok(ExitCode::from(u8::from(!clean)))
}
