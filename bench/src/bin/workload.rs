//! One workload of the benches a number of times, for counting instructions: `bench/instructions.sh` runs it.
//! Prints the number of packets that went through, or of channels planned.
//!
//! ```text
//! workload mux-vbr|mux-cbr|check|tables|plan|plan-traffic ROUNDS
//! ```

use retrovue_bench::checking::{check, stream};
use retrovue_bench::muxing::Programme;
use retrovue_bench::programming::Station;
use retrovue_bench::tables::{carousel, send};
use std::error::Error;

/// Channels planned a round, and days of each.
const CHANNELS: usize = 20;
const DAYS: i32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "workload mux-vbr|mux-cbr|check|tables|plan|plan-traffic ROUNDS";
    let (name, rounds) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?.parse::<i64>()?);
    let done: u64 = match name.as_str() {
        "mux-vbr" | "mux-cbr" => {
            let programme = Programme::new();
            let (mut muxer, mut buffer) = (programme.muxer(name == "mux-cbr"), vec![0; 188 * 64]);
            (0..rounds).map(|round| programme.mux(&mut muxer, round, &mut buffer) as u64).sum()
        }
        "check" => {
            let stream = stream(4);
            (0..rounds).map(|_| check(std::hint::black_box(stream.as_flattened())).packets).sum()
        }
        "tables" => {
            let mut carousel = carousel();
            (0..rounds).map(|round| send(&mut carousel, round) as u64).sum()
        }
        "plan" | "plan-traffic" => {
            let channels = rounds as usize * CHANNELS;
            let station =
                if name == "plan" { Station::new(channels) } else { Station::with_traffic(channels) };
            std::hint::black_box(station.plan(DAYS));
            channels as u64
        }
        _ => return Err(usage.into()),
    };
    println!("{done}");
    Ok(())
}
