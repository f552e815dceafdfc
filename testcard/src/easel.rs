//! The drawing surface: a handful of verbs over an anti-aliased rasteriser.
//!
//! For still parts and sprites, drawn once. Nothing is drawn with it while frames go by.

use crate::palette::{rgb, sheer};
use crate::sprite::Sprite;
use crate::typeface::typeface;
use std::f32::consts::TAU;
use tiny_skia::{
    FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point,
    RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

/// A picture being drawn.
pub(crate) struct Easel {
    pixmap: Pixmap,
    transform: Transform,
}

/// Where a line of text stands with respect to its `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// It begins there.
    Left,
    /// It is centred there.
    Centre,
}

/// A line of text: set in `size` pixels to the em on the baseline `y`, made smaller where it would be
/// wider than `room`.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) size: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) align: Align,
    pub(crate) colour: u32,
    /// Ems between letters.
    pub(crate) tracking: f32,
    /// Greatest width in pixels.
    pub(crate) room: f32,
}

impl<'a> Line<'a> {
    /// A centred line.
    pub(crate) fn centred(text: &'a str, size: f32, x: f32, y: f32, colour: u32) -> Line<'a> {
        Line { text, size, x, y, align: Align::Centre, colour, tracking: 0.0, room: f32::INFINITY }
    }

    /// A line that begins at `x`.
    pub(crate) fn left(text: &'a str, size: f32, x: f32, y: f32, colour: u32) -> Line<'a> {
        Line { align: Align::Left, ..Line::centred(text, size, x, y, colour) }
    }

    /// The same line with air between its letters.
    pub(crate) fn spaced(self, tracking: f32) -> Line<'a> {
        Line { tracking, ..self }
    }

    /// The same line, no wider than `room`.
    pub(crate) fn within(self, room: f32) -> Line<'a> {
        Line { room, ..self }
    }

    /// The same line elsewhere and in another colour.
    pub(crate) fn cast(self, dx: f32, dy: f32, colour: u32) -> Line<'a> {
        Line { x: self.x + dx, y: self.y + dy, colour, ..self }
    }

    /// Size after fitting, left end and width, in pixels.
    pub(crate) fn set(&self) -> (f32, f32, f32) {
        let size = typeface().fitting(self.text, self.size, self.tracking, self.room);
        let width = typeface().width(self.text, size, self.tracking);
        let left = match self.align {
            Align::Left => self.x,
            Align::Centre => self.x - width / 2.0,
        };
        (size, left, width)
    }
}

impl Easel {
    /// A transparent surface.
    pub(crate) fn clear(width: u32, height: u32) -> Easel {
        let pixmap = Pixmap::new(width.max(1), height.max(1)).expect("drawings are smaller than 2^31 bytes");
        Easel { pixmap, transform: Transform::identity() }
    }

    /// A surface of one colour.
    pub(crate) fn filled(width: u32, height: u32, colour: u32) -> Easel {
        let mut easel = Easel::clear(width, height);
        easel.pixmap.fill(rgb(colour));
        easel
    }

    /// Width in pixels.
    pub(crate) fn width(&self) -> f32 {
        self.pixmap.width() as f32
    }

    /// Height in pixels.
    pub(crate) fn height(&self) -> f32 {
        self.pixmap.height() as f32
    }

    /// Everything after is drawn with its origin at `x`, `y`, turned by `turn` of a full turn and scaled.
    pub(crate) fn place(&mut self, x: f32, y: f32, turn: f32, scale: f32) {
        self.transform = Transform::from_rotate(turn * 360.0).post_scale(scale, scale).post_translate(x, y);
    }

    /// Everything after is drawn where it says.
    pub(crate) fn unplace(&mut self) {
        self.transform = Transform::identity();
    }

    /// The drawing.
    pub(crate) fn finish(self) -> Pixmap {
        self.pixmap
    }

    /// The drawing as a sprite.
    pub(crate) fn sprite(self) -> Sprite {
        Sprite::from_drawing(&self.pixmap)
    }

    /// Fills a path with one colour.
    pub(crate) fn path(&mut self, path: Option<Path>, colour: u32) {
        self.shade(path, Shader::SolidColor(rgb(colour)));
    }

    /// Fills a path with a colour that lets the ground through.
    pub(crate) fn path_sheer(&mut self, path: Option<Path>, colour: u32, alpha: f32) {
        self.shade(path, Shader::SolidColor(sheer(colour, alpha)));
    }

    /// Draws along a path, `width` pixels wide with round ends.
    pub(crate) fn stroke(&mut self, path: Option<Path>, width: f32, colour: u32) {
        let Some(path) = path else { return };
        let paint = Paint { shader: Shader::SolidColor(rgb(colour)), anti_alias: true, ..Paint::default() };
        let stroke =
            Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &paint, &stroke, self.transform, None);
    }

    /// A line from point to point.
    pub(crate) fn strokes(&mut self, points: &[(f32, f32)], width: f32, colour: u32) {
        self.stroke(open(points), width, colour);
    }

    /// A filled polygon.
    pub(crate) fn polygon(&mut self, points: &[(f32, f32)], colour: u32) {
        self.path(polygon(points), colour);
    }

    /// A filled box.
    pub(crate) fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, colour: u32) {
        let path = Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect);
        self.path(path, colour);
    }

    /// A filled box with round corners.
    pub(crate) fn rounded(&mut self, x: f32, y: f32, width: f32, height: f32, radius: f32, colour: u32) {
        self.path(rounded(x, y, width, height, radius), colour);
    }

    /// A filled circle.
    pub(crate) fn disc(&mut self, x: f32, y: f32, radius: f32, colour: u32) {
        self.path(circle(x, y, radius), colour);
    }

    /// A filled ellipse.
    pub(crate) fn oval(&mut self, x: f32, y: f32, across: f32, down: f32, colour: u32) {
        self.path(oval(x, y, across, down), colour);
    }

    /// A circle's line.
    pub(crate) fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, colour: u32) {
        self.stroke(circle(x, y, radius), width, colour);
    }

    /// A glow that fades from `alpha` in the middle to nothing at `radius`.
    pub(crate) fn glow(&mut self, x: f32, y: f32, radius: f32, colour: u32, alpha: f32) {
        let stops = vec![
            GradientStop::new(0.0, sheer(colour, alpha)),
            GradientStop::new(0.5, sheer(colour, alpha * 0.35)),
            GradientStop::new(1.0, sheer(colour, 0.0)),
        ];
        let centre = Point::from_xy(x, y);
        let shader =
            RadialGradient::new(centre, 0.0, centre, radius, stops, SpreadMode::Pad, Transform::identity());
        if let Some(shader) = shader {
            self.shade(circle(x, y, radius), shader);
        }
    }

    /// A path shaded from `top` at `from` down to `bottom` at `to`.
    pub(crate) fn shaded(&mut self, path: Option<Path>, from: f32, to: f32, top: u32, bottom: u32) {
        let stops = vec![GradientStop::new(0.0, rgb(top)), GradientStop::new(1.0, rgb(bottom))];
        let shader = LinearGradient::new(
            Point::from_xy(0.0, from),
            Point::from_xy(0.0, to),
            stops,
            SpreadMode::Pad,
            Transform::identity(),
        );
        if let Some(shader) = shader {
            self.shade(path, shader);
        }
    }

    /// Flat bands from `top` to `bottom`, each a step further from the first colour to the last: a sky as
    /// printers make it, which also costs the encoder nothing.
    pub(crate) fn bands(&mut self, top: f32, bottom: f32, colours: &[u32], count: usize) {
        let (count, last) = (count.max(2), colours.len().saturating_sub(1));
        let height = (bottom - top) / count as f32;
        for band in 0..count {
            let along = band as f32 / (count - 1) as f32 * last as f32;
            let first = (along.floor() as usize).min(last);
            let second = (first + 1).min(last);
            let colour = crate::palette::blend(colours[first], colours[second], along - first as f32);
            let y = (top + height * band as f32).round();
            self.rect(0.0, y, self.width(), (top + height * (band + 1) as f32).round() - y, colour);
        }
    }

    /// A sunburst of `count` rays over the whole surface.
    pub(crate) fn rays(&mut self, x: f32, y: f32, count: usize, colour: u32, alpha: f32) {
        let reach = self.width() + self.height();
        for ray in 0..count {
            let from = TAU * (ray as f32 - 0.25) / count as f32;
            let to = from + TAU / (2 * count) as f32;
            let at = |angle: f32| (x + reach * angle.cos(), y + reach * angle.sin());
            self.path_sheer(polygon(&[(x, y), at(from), at(to)]), colour, alpha);
        }
    }

    /// A line of text.
    pub(crate) fn text(&mut self, line: Line<'_>) {
        let (size, left, _) = line.set();
        self.path(typeface().outline(line.text, size, line.tracking, left, line.y), line.colour);
    }

    /// A line of text with a hard shadow below right.
    pub(crate) fn text_with_shadow(&mut self, line: Line<'_>, depth: f32, shadow: u32) {
        let mut step = depth;
        while step > 0.0 {
            self.text(line.cast(step, step, shadow));
            step -= 1.5;
        }
        self.text(line);
    }

    /// A line of text with an outline round it.
    pub(crate) fn text_outlined(&mut self, line: Line<'_>, width: f32, edge: u32) {
        let (size, left, _) = line.set();
        let outline = typeface().outline(line.text, size, line.tracking, left, line.y);
        self.stroke(outline.clone(), width * 2.0, edge);
        self.path(outline, line.colour);
    }

    fn shade(&mut self, path: Option<Path>, shader: Shader<'_>) {
        if let Some(path) = path {
            let paint = Paint { shader, anti_alias: true, ..Paint::default() };
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform, None);
        }
    }
}

/// A closed polygon.
pub(crate) fn polygon(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    path.finish()
}

/// A line from point to point, left open.
pub(crate) fn open(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.finish()
}

/// A circle.
pub(crate) fn circle(x: f32, y: f32, radius: f32) -> Option<Path> {
    PathBuilder::from_circle(x, y, radius)
}

/// An ellipse with its centre at `x`, `y`; `across` and `down` are half its sides.
pub(crate) fn oval(x: f32, y: f32, across: f32, down: f32) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_xywh(x - across, y - down, across * 2.0, down * 2.0)?)
}

/// A box with round corners.
pub(crate) fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    let r = radius.min(width / 2.0).min(height / 2.0);
    // What is left of a quarter circle's control point: 1 - 0.5523.
    let c = r * 0.4477;
    let (right, bottom) = (x + width, y + height);
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - c, y, right, y + c, right, y + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - c, right - c, bottom, right - r, bottom);
    path.line_to(x + r, bottom);
    path.cubic_to(x + c, bottom, x, bottom - c, x, bottom - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + c, x + c, y, x + r, y);
    path.close();
    path.finish()
}

/// A star of `points` points between two radii; `turn` in turns. With many points and near radii, a seal.
pub(crate) fn star(x: f32, y: f32, outer: f32, inner: f32, points: usize, turn: f32) -> Option<Path> {
    let corners: Vec<(f32, f32)> = (0..points * 2)
        .map(|i| {
            let angle = TAU * (i as f32 / (points * 2) as f32 + turn) - TAU / 4.0;
            let radius = if i % 2 == 0 { outer } else { inner };
            (x + radius * angle.cos(), y + radius * angle.sin())
        })
        .collect();
    polygon(&corners)
}

/// A gear of `teeth` teeth; `turn` in turns.
pub(crate) fn gear(x: f32, y: f32, radius: f32, depth: f32, teeth: usize, turn: f32) -> Option<Path> {
    let corners: Vec<(f32, f32)> = (0..teeth * 4)
        .map(|i| {
            // Two corners of the tooth, two of the gap; the tooth is a little narrower at its tip.
            let offset = [0.05, 0.17, 0.43, 0.55][i % 4];
            let angle = TAU * ((i / 4) as f32 + offset) / teeth as f32 + TAU * turn;
            let radius = if i % 4 == 1 || i % 4 == 2 { radius } else { radius - depth };
            (x + radius * angle.cos(), y + radius * angle.sin())
        })
        .collect();
    polygon(&corners)
}

/// The slice of a disc between two heights, as parts of its radius from -1 (top) to 1 (bottom).
pub(crate) fn slice(x: f32, y: f32, radius: f32, from: f32, to: f32) -> Option<Path> {
    let steps = 24;
    let height = |i: usize| from + (to - from) * i as f32 / steps as f32;
    let half = |h: f32| (1.0 - h * h).max(0.0).sqrt() * radius;
    let right = (0..=steps).map(|i| (x + half(height(i)), y + height(i) * radius));
    let left = (0..=steps).rev().map(|i| (x - half(height(i)), y + height(i) * radius));
    polygon(&right.chain(left).collect::<Vec<_>>())
}

/// Part of an ellipse's line, from one angle to another in turns (0 is right, 0.25 below).
pub(crate) fn arc(x: f32, y: f32, across: f32, down: f32, from: f32, to: f32) -> Option<Path> {
    let points: Vec<(f32, f32)> = (0..=48)
        .map(|i| {
            let angle = TAU * (from + (to - from) * i as f32 / 48.0);
            (x + across * angle.cos(), y + down * angle.sin())
        })
        .collect();
    open(&points)
}
