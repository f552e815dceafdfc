//! `tune_in HOST:PORT CHANNEL COUNT`: cold tune-in times, from the request to the last byte of the
//! first IDR picture, with nobody watching before each.

use retrovue_tests::viewer::{get, page};
use std::thread::sleep;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, channel, count] = &arguments[..] else {
        eprintln!("usage: tune_in HOST:PORT CHANNEL COUNT");
        std::process::exit(2);
    };
    let count: usize = count.parse().unwrap_or(20);
    let mut times = Vec::new();
    for n in 0..count {
        while page(address, "/api/channels").contains("\"on_air\":true") {
            sleep(Duration::from_millis(100));
        }
        sleep(Duration::from_millis(137));
        let (_, mut viewer) = get(address, &format!("/channel/{channel}.ts"));
        let head = viewer.asked.elapsed();
        let times_of = viewer.tune_in(head);
        println!(
            "{n:3}  head {:4} ms  first packet {:4} ms  first IDR {:4} ms",
            times_of.head.as_millis(),
            times_of.first_packet.as_millis(),
            times_of.first_idr.as_millis()
        );
        times.push(times_of.first_idr);
    }
    times.sort();
    println!(
        "median {} ms, worst {} ms of {count}",
        times[count / 2].as_millis(),
        times[count - 1].as_millis()
    );
}
