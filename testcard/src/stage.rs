//! A still backdrop and what moves on it: only what was touched is drawn again.
//!
//! **Contract: `begin` a frame, lay sprites, read `picture`.** A frame depends only on the backdrop and
//! on what is laid on it since `begin`, never on the frames before.

use crate::frame::{Area, Frame};
use crate::sprite::Sprite;
use tiny_skia::Pixmap;

/// A picture in the making.
pub(crate) struct Stage {
    backdrop: Frame,
    live: Frame,
    touched: Vec<Area>,
}

impl Stage {
    /// A black stage.
    pub(crate) fn new(width: u32, height: u32) -> Stage {
        let backdrop = Frame::black(width, height);
        Stage { live: backdrop.clone(), backdrop, touched: Vec::new() }
    }

    /// Hangs another backdrop; everything on the stage goes.
    pub(crate) fn hang(&mut self, drawing: &Pixmap) {
        self.backdrop = Frame::from_drawing(drawing);
        self.live = self.backdrop.clone();
        self.touched.clear();
    }

    /// Takes everything off the backdrop.
    pub(crate) fn begin(&mut self) {
        for area in self.touched.drain(..) {
            self.live.restore(&self.backdrop, area);
        }
    }

    /// Lays a sprite with its top left corner at `x`, `y`.
    pub(crate) fn lay(&mut self, sprite: &Sprite, x: i32, y: i32) {
        self.lay_sheer(sprite, x, y, 255);
    }

    /// Lays a sprite of which `opacity` / 255 shows.
    pub(crate) fn lay_sheer(&mut self, sprite: &Sprite, x: i32, y: i32, opacity: u8) {
        self.touched.extend(self.live.lay(sprite, x, y, opacity));
    }

    /// Lays a sprite with its centre at `x`, `y`.
    pub(crate) fn lay_centred(&mut self, sprite: &Sprite, x: f32, y: f32, opacity: u8) {
        let left = x.round() as i32 - (sprite.width / 2) as i32;
        let top = y.round() as i32 - (sprite.height / 2) as i32;
        self.lay_sheer(sprite, left, top, opacity);
    }

    /// The picture as it stands.
    pub(crate) fn picture(&self) -> &Frame {
        &self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::easel::Easel;
    use crate::palette;

    #[test]
    fn a_frame_forgets_the_one_before() {
        let sprite = Sprite::from_drawing(&Easel::filled(7, 5, palette::CREAM).finish());
        let mut stage = Stage::new(64, 48);
        stage.hang(&Easel::filled(64, 48, palette::TEAL).finish());
        let empty = stage.picture().clone();
        for at in [-3, 10, 33, 45] {
            stage.begin();
            stage.lay(&sprite, at, at);
            stage.lay_sheer(&sprite, at + 2, at + 3, 90);
            assert!(*stage.picture() != empty);
        }
        stage.begin();
        assert!(*stage.picture() == empty);
    }
}
