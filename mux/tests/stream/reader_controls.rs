//! The reader itself put to the test: spoilt output must not pass.

use crate::drive::{Output, mux};
use crate::elementary::Programme;
use crate::reader;

/// What `check` says about a good programme spoilt by `spoil`.
fn verdict(spoil: impl FnOnce(&mut Output)) -> String {
    let programme = Programme::default();
    let mut output = mux(programme.config(), &programme.units());
    spoil(&mut output);
    let result = std::panic::catch_unwind(|| reader::check(&output, 4_800_000, 400_000));
    match result {
        Ok(_) => "passed".to_owned(),
        Err(said) => said.downcast_ref::<String>().cloned().unwrap_or_else(|| "refused".to_owned()),
    }
}

fn position(output: &Output, of: impl Fn(&reader::Seen) -> bool) -> usize {
    reader::packets(output).iter().skip(20).position(of).expect("such a packet") + 20
}

fn remove(output: &mut Output, packet: usize) {
    output.bytes.drain(packet * 188..(packet + 1) * 188);
    output.departures.remove(packet);
}

#[test]
fn good_output_passes() {
    assert_eq!(verdict(|_| {}), "passed");
}

#[test]
fn a_lost_packet_is_found() {
    let said = verdict(|output| {
        let packet = position(output, |packet| packet.pid == 0x100 && packet.has_payload && !packet.start);
        remove(output, packet);
    });
    assert!(said.contains("counter") || said.contains("left"), "{said}");
}

#[test]
fn a_clock_one_tick_off_is_found() {
    let said = verdict(|output| {
        let packet = position(output, |packet| packet.pcr.is_some_and(|pcr| pcr % 300 < 200));
        output.bytes[packet * 188 + 11] ^= 1;
    });
    assert!(said.contains("PCR is the departure"), "{said}");
}

#[test]
fn missing_tables_are_found() {
    let said = verdict(|output| {
        let tables: Vec<usize> = reader::packets(output)
            .iter()
            .enumerate()
            .filter(|(index, packet)| *index > 3 && packet.pid == 0x1000)
            .map(|(index, _)| index)
            .collect();
        for (removed, index) in tables.into_iter().take(16).enumerate() {
            remove(output, index - removed);
        }
    });
    assert!(said.contains("0x1000"), "{said}");
}

#[test]
fn a_burst_of_sound_is_found() {
    let said =
        verdict(|output| {
            // All sound at the end, a tick apart.
            let seen = reader::packets(output);
            let (mut bytes, mut departures) = (Vec::new(), Vec::new());
            let sound = |index: &usize| seen[*index].pid == 0x101;
            let order = (0..seen.len()).filter(|index| !sound(index)).chain((0..seen.len()).filter(sound));
            for index in order {
                bytes.extend_from_slice(&output.bytes[index * 188..(index + 1) * 188]);
                departures.push(departures.last().map_or(seen[index].at, |&last: &i64| {
                    if sound(&index) { last + 1 } else { seen[index].at }
                }));
            }
            *output = Output { bytes, departures, events: Vec::new() };
        });
    assert!(said.contains("TB of PID 0x101"), "{said}");
}

#[test]
fn late_units_are_found() {
    let said = verdict(|output| {
        // Twice the rate that the stream was configured with.
        let programme = Programme { video_bps: 8_000_000, cpb_bits: 4_000_000, ..Programme::default() };
        *output = mux(Programme::default().config(), &programme.units());
    });
    assert!(said.contains("before its DTS"), "{said}");
}
