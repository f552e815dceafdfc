//! A session's counts as OpenMetrics text (openmetrics.io, version 1.0.0).

use super::Metrics;
use std::fmt::Write;

/// Quantiles of what should be small, in 1/100,000.
const UPPER: [(u64, &str); 4] = [(50_000, "0.5"), (99_000, "0.99"), (99_900, "0.999"), (100_000, "1")];

/// Quantiles of what should be large.
const LOWER: [(u64, &str); 4] = [(0, "0"), (100, "0.001"), (1_000, "0.01"), (50_000, "0.5")];

impl Metrics {
    /// OpenMetrics text, the closing line included. Durations are in seconds. `frames_emitted` is what
    /// has left.
    #[must_use]
    pub fn openmetrics(&self, frames_emitted: u64) -> String {
        let mut text = String::with_capacity(4096);
        let mut counters = |name: &str, help: &str, value: u64| {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "# TYPE air_{name} counter\n# HELP air_{name} {help}\nair_{name}_total {value}"
            );
        };
        counters("frames_emitted", "Frames that left.", frames_emitted);
        counters(
            "late_frames",
            "Frames whose first packet left over 20 ms after its instant.",
            self.late_frames.get(),
        );
        counters("underruns", "Times a packet was due and nothing had been encoded.", self.underruns.get());
        counters("late_access_units", "Access units sent after their decoding time.", self.late_units.get());
        counters("cues", "Cues for splicing sent.", self.cues.get());
        counters("late_cues", "Cues too late for their splices, left out.", self.late_cues.get());
        counters("segments", "Segments produced whole.", self.segments.get());
        counters("content_frames", "Frames produced from an asset.", self.content_frames.get());
        counters("pad_frames", "Frames produced black and silent.", self.pad_frames.get());
        counters("deficit_frames", "Frames planned that assets did not have.", self.deficit_frames.get());
        let [lane_a, lane_b] = &self.frames_ahead;
        let _ = writeln!(
            text,
            "# TYPE air_ring_high_water gauge\n\
             # HELP air_ring_high_water The most each ring has held.\n\
             air_ring_high_water{{ring=\"frames_a\"}} {}\n\
             air_ring_high_water{{ring=\"frames_b\"}} {}\n\
             air_ring_high_water{{ring=\"units\"}} {}\n\
             air_ring_high_water{{ring=\"unit_bytes\"}} {}",
            lane_a.get(),
            lane_b.get(),
            self.units_ahead.get(),
            self.unit_bytes_ahead.get()
        );
        let _ = writeln!(
            text,
            "# TYPE air_start_up_seconds gauge\n\
             # UNIT air_start_up_seconds seconds\n\
             # HELP air_start_up_seconds From the join until the output first kept time.\n\
             air_start_up_seconds {}",
            seconds(self.start_up_micros.get())
        );
        let histograms = [
            ("lateness", "How far after its instant a frame began to leave.", &self.lateness, UPPER),
            (
                "encode_margin",
                "How far before its instant a picture was encoded.",
                &self.encode_margin,
                LOWER,
            ),
        ];
        for (name, help, histogram, quantiles) in histograms {
            let _ = writeln!(
                text,
                "# TYPE air_{name}_seconds summary\n# UNIT air_{name}_seconds seconds\n\
                 # HELP air_{name}_seconds {help}"
            );
            for (per_100_000, quantile) in quantiles {
                let value = seconds(histogram.quantile_micros(per_100_000));
                let _ = writeln!(text, "air_{name}_seconds{{quantile=\"{quantile}\"}} {value}");
            }
            let _ = writeln!(
                text,
                "air_{name}_seconds_sum {}\nair_{name}_seconds_count {}",
                seconds(histogram.sum_micros()),
                histogram.count()
            );
        }
        text.push_str("# EOF\n");
        text
    }
}

/// Microseconds as decimal seconds.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_reads_as_openmetrics() {
        let metrics = Metrics::default();
        metrics.segment_produced(90, 60, 75);
        metrics.late_frames.add(2);
        metrics.lateness.record_nanos(1_500_000);
        metrics.frames_ahead[1].see(4);
        let text = metrics.openmetrics(90);
        for line in [
            "air_frames_emitted_total 90",
            "air_late_frames_total 2",
            "air_pad_frames_total 30",
            "air_deficit_frames_total 15",
            "air_ring_high_water{ring=\"frames_b\"} 4",
            "air_lateness_seconds{quantile=\"1\"} 0.001500",
            "air_lateness_seconds_count 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        let types =
            text.lines().filter(|l| l.starts_with("# TYPE ")).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(types.len(), text.matches("# TYPE ").count(), "a family is declared once");
    }
}
