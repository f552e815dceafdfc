//! A plot of a checked stream as one SVG file: TB, and MB with EB or B, of every judged stream against their
//! limits, and interval and accuracy of every PCR PID, over time.

use crate::inspector::Inspector;
use crate::instant::PER_SECOND;
use crate::report::Report;
use crate::trace::Trace;
use std::fmt::Write;

const WIDTH: i64 = 1200;
const LEFT: i64 = 90;
const RIGHT: i64 = 20;
const HEIGHT: i64 = 150;
const GAP: i64 = 58;
/// Panels drawn at most.
const PANELS: usize = 64;

/// The courses that a plot is drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plot(Vec<Panel>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Panel {
    title: String,
    unit: &'static str,
    /// Divides values into the unit.
    scale: i64,
    limits: Vec<i64>,
    trace: Trace,
}

impl Plot {
    pub(crate) fn of(inspector: &Inspector) -> Plot {
        let mut panels = Vec::new();
        for clock in &inspector.clocks {
            let Some(traces) = &clock.traces else { continue };
            let panel = |title: &str, unit, scale, limits, trace: &Trace| Panel {
                title: format!("PID {:#06x}: {title}", clock.pid),
                unit,
                scale,
                limits,
                trace: trace.clone(),
            };
            panels.push(panel("PCR interval", "ms", 27_000, vec![2_700_000], &traces.0));
            panels.push(panel("PCR off the line", "ns", 1000, vec![500_000, -500_000], &traces.1));
        }
        for slot in &inspector.slots {
            let Some(stream) = &slot.stream else { continue };
            let (Some(model), Some(traces)) = (stream.buffer.model(), &stream.buffer.traces) else {
                continue;
            };
            let panel = |title: &str, limits, trace: &Trace| Panel {
                title: format!("PID {:#06x}, {}: {title}", slot.pid, stream.coding.name()),
                unit: "bytes",
                scale: 1,
                limits,
                trace: trace.clone(),
            };
            panels.push(panel("TB", vec![512], &traces.0));
            match model.mb {
                Some((mb, _)) => panels.push(panel("MB and EB", vec![model.eb, model.eb + mb], &traces.1)),
                None => panels.push(panel("B", vec![model.eb], &traces.1)),
            }
        }
        panels.retain(|panel| panel.trace.columns().next().is_some());
        panels.truncate(PANELS);
        Plot(panels)
    }

    fn svg(&self) -> String {
        let height = self.0.len() as i64 * (HEIGHT + GAP) + 40;
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let columns = || self.0.iter().flat_map(|panel| panel.trace.columns());
        let begin = columns().map(|c| c.0).min().unwrap_or(0);
        let end = columns().map(|c| c.0).max().unwrap_or(0).max(begin + 1);
        for (n, panel) in self.0.iter().enumerate() {
            panel.draw(&mut svg, 30 + n as i64 * (HEIGHT + GAP), begin, end);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Panel {
    fn draw(&self, svg: &mut String, top: i64, begin: i64, end: i64) {
        let wide = WIDTH - LEFT - RIGHT;
        let values = || self.trace.columns().flat_map(|(_, least, most)| [least, most]);
        let peak = values().max().unwrap_or(0);
        let floor = values().min().unwrap_or(0);
        // A limit far above everything would flatten the course; it is told in words instead.
        let shown = |limit: &i64| limit.abs() <= 8 * peak.abs().max(floor.abs()).max(1);
        let limits = || self.limits.iter().copied().filter(shown);
        let most = limits().chain([peak, 1]).max().unwrap_or(1);
        let least = limits().chain([floor, 0]).min().unwrap_or(0);
        let (most, least) =
            (most + (most - least) / 20, least - if least < 0 { (most - least) / 20 } else { 0 });
        let x = |at: i64| {
            LEFT * 100 + (i128::from(at - begin) * i128::from(wide * 100) / i128::from(end - begin)) as i64
        };
        let y = |value: i64| {
            let share =
                i128::from(value - least) * i128::from(HEIGHT * 100) / i128::from((most - least).max(1));
            (top + HEIGHT) * 100 - share as i64
        };
        let (bottom, right) = (top + HEIGHT, WIDTH - RIGHT);
        let told: Vec<String> = self.limits.iter().map(|limit| self.figure(*limit)).collect();
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{} <tspan font-weight=\"normal\" fill=\"#555\">peak {}, limit {} {}</tspan></text>",
            top - 8,
            self.title,
            self.figure(peak),
            told.join(" and "),
            self.unit
        );
        let _ = writeln!(svg, "<path d=\"M{LEFT} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#888\"/>");
        for (value, anchor) in [(most, top + 10), (least, bottom)] {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{anchor}\" text-anchor=\"end\" fill=\"#333\">{}</text>",
                LEFT - 6,
                self.figure(value)
            );
        }
        for tenth in 0..=5 {
            let at = begin + (end - begin) / 5 * tenth;
            let seconds = at * 10 / (PER_SECOND / 10);
            let anchor = if tenth == 5 { "end" } else { "middle" };
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"#333\">{}.{:02} s</text>",
                hundredths(x(at)),
                bottom + 15,
                seconds / 100,
                seconds.rem_euclid(100)
            );
        }
        for limit in limits() {
            let at = hundredths(y(limit));
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at}H{right}\" stroke=\"#c22\" stroke-dasharray=\"6 4\"/>\
                 <text x=\"{}\" y=\"{at}\" dy=\"-3\" text-anchor=\"end\" fill=\"#c22\">{}</text>",
                right - 4,
                self.figure(limit)
            );
        }
        let mut path = String::new();
        for (at, low, high) in self.trace.columns() {
            let (x, low, high) = (x(at), y(low), y(high));
            // A column without height would not be seen.
            let low = if low - high < 200 { high + 200 } else { low };
            let _ = write!(path, "M{} {}V{}", hundredths(x), hundredths(high), hundredths(low));
        }
        let _ = writeln!(svg, "<path d=\"{path}\" stroke=\"#1f5fa8\" stroke-width=\"1.5\" fill=\"none\"/>");
    }

    fn figure(&self, value: i64) -> String {
        match self.scale {
            1 => value.to_string(),
            scale => {
                let tenths = value * 10 / scale;
                let sign = if tenths < 0 { "-" } else { "" };
                format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
            }
        }
    }
}

fn hundredths(value: i64) -> String {
    format!("{}.{:02}", value / 100, value.rem_euclid(100))
}

impl Report {
    /// The plot as SVG; None unless it was asked for.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        self.plot.as_ref().map(Plot::svg)
    }
}
