//! The muxer, a plain copy and libavformat on the same programme, round by round in turn, so that whatever else the
//! machine does falls on all of them alike. Prints nanoseconds a packet, the least and the median of all rounds.
//!
//! ```text
//! mux-race [ROUNDS]
//! ```

use retrovue_bench::muxing::Programme;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

/// Rounds where none are given.
const ROUNDS: i64 = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().nth(1).map_or(Ok(ROUNDS), |text| text.parse::<i64>())?;
    if rounds < 2 {
        return Err("at least two rounds".into());
    }
    let programme = Programme::new();
    let mut buffer = vec![0; 188 * 64];
    let mut copied = vec![0; 188 * 64];
    let mut muxers = [false, true].map(|constant| programme.muxer(constant));
    let mut writers = [false, true].map(|constant| programme.writer(constant));
    let mut times: [(&str, Vec<f64>); 5] =
        ["copy", "ours variable", "ours constant", "libavformat variable", "libavformat constant"]
            .map(|name| (name, Vec::new()));
    for round in 0..rounds {
        let mut place = 0;
        let mut timed = |work: &mut dyn FnMut() -> u64| {
            let begin = Instant::now();
            let packets = work();
            // The first round fills queues.
            if round > 0 {
                times[place].1.push(begin.elapsed().as_nanos() as f64 / packets as f64);
            }
            place += 1;
        };
        timed(&mut || programme.copy(black_box(&mut copied)) as u64);
        for muxer in &mut muxers {
            timed(&mut || programme.mux(muxer, round, black_box(&mut buffer)) as u64);
        }
        for writer in &mut writers {
            timed(&mut || {
                let before = writer.bytes();
                programme.write(writer, round);
                (writer.bytes() - before) / 188
            });
        }
    }
    println!("{:<22}{:>10}{:>10}   ns a packet, {} rounds", "", "least", "median", rounds - 1);
    let mut shown = Vec::new();
    for (name, times) in &mut times {
        times.sort_by(f64::total_cmp);
        let (least, median) = (times.first().copied().unwrap_or(0.0), times[times.len() / 2]);
        println!("{name:<22}{least:>10.2}{median:>10.2}");
        shown.push([least, median]);
    }
    for (what, above, below) in [
        ("variable in copies", 1, 0),
        ("libavformat / ours, variable", 3, 1),
        ("libavformat / ours, constant", 4, 2),
    ] {
        let ratio = |which: usize| shown[above][which] / shown[below][which];
        println!("{what:<30}{:>6.2}{:>10.2}", ratio(0), ratio(1));
    }
    Ok(())
}
