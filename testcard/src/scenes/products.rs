//! What is advertised: nine things nobody makes, and how they look.

use crate::easel::{Easel, Line, arc, circle, open, oval, polygon, rounded, slice, star};
use crate::palette::{BROWN, CREAM, GREEN, INK, MUSTARD, NAVY, ORANGE, PINK, PLUM, RED, STEEL, TEAL};
use std::f32::consts::TAU;

/// One product and its advertisement.
pub(crate) struct Product {
    /// Its name, on one or two lines.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// The words of the opening, a line each.
    pub(crate) hook: &'static [&'static str],
    /// The line at the end.
    pub(crate) promise: &'static str,
    /// One word in a seal.
    pub(crate) badge: &'static str,
    pub(crate) ground: u32,
    pub(crate) accent: u32,
    pub(crate) lettering: u32,
    /// Whether the ground is too dark for dark words.
    pub(crate) dark: bool,
    /// Draws it on a surface of 460x500, standing on the lower edge.
    pub(crate) draw: fn(&mut Easel),
    /// Draws what floats round it, on 34x34.
    pub(crate) bit: fn(&mut Easel),
}

impl Product {
    /// The name on one line.
    pub(crate) fn title(&self) -> String {
        self.name.replace('\n', " ")
    }
}

/// All products.
pub(crate) static PRODUCTS: [Product; 9] = [
    Product {
        name: "Zap!\nCola",
        what: "The drink that drinks back",
        hook: &["Thirsty?", "Sleepy?", "Tuesday?"],
        promise: "Zap! Cola. Mind the bubbles.",
        badge: "FIZZ!",
        ground: 0xF6C445,
        accent: RED,
        lettering: CREAM,
        dark: false,
        draw: cola,
        bit: bubble,
    },
    Product {
        name: "Fjord\nToothpaste",
        what: "A cold front for your teeth",
        hook: &["Smile", "like a", "glacier."],
        promise: "Nine out of ten trolls agree",
        badge: "BRR!",
        ground: 0x9EDCE8,
        accent: 0x1C6FA0,
        lettering: 0xFFFFFF,
        dark: false,
        draw: toothpaste,
        bit: snowflake,
    },
    Product {
        name: "Marlow's\nMarmalade",
        what: "Thick cut, thin skinned",
        hook: &["Breakfast", "has been", "waiting."],
        promise: "Spread the word. Then the marmalade.",
        badge: "TANGY",
        ground: 0xF29A3E,
        accent: 0x2F6B4A,
        lettering: 0xFFF3CF,
        dark: false,
        draw: marmalade,
        bit: orange_slice,
    },
    Product {
        name: "Turbo\nBroom 3000",
        what: "Three thousand what? Exactly.",
        hook: &["Dust", "is", "over."],
        promise: "Sweeps at the speed of Thursday",
        badge: "NEW!",
        ground: 0x8FD0B5,
        accent: 0x6A2A83,
        lettering: 0xFFF6DA,
        dark: false,
        draw: broom,
        bit: spark,
    },
    Product {
        name: "Pemberton\nUmbrellas",
        what: "Dry since 1871",
        hook: &["It will", "rain", "at four."],
        promise: "Put a Pemberton between you and it",
        badge: "DRY!",
        ground: 0x8DA9C4,
        accent: NAVY,
        lettering: 0xFFF6DA,
        dark: false,
        draw: umbrella,
        bit: drop,
    },
    Product {
        name: "Snoozewell\nMattresses",
        what: "Eight hours in only one night",
        hook: &["Are you", "lying down", "enough?"],
        promise: "Snoozewell. Sleep now, pay never mind.",
        badge: "SOFT",
        ground: 0xB9A7DB,
        accent: 0x3A2D6B,
        lettering: 0xFFF6DA,
        dark: false,
        draw: mattress,
        bit: snore,
    },
    Product {
        name: "Orbit\nAirways",
        what: "Up by nine, down by teatime",
        hook: &["Go", "round", "the world."],
        promise: "Orbit Airways: every seat a window, nearly",
        badge: "UP!",
        ground: 0x7CC3E8,
        accent: 0xD9402F,
        lettering: 0xFFFFFF,
        dark: false,
        draw: airliner,
        bit: puff,
    },
    Product {
        name: "Quackers\nBiscuits",
        what: "The biscuit with a bill",
        hook: &["Dunk", "a", "duck."],
        promise: "Quackers! They float.",
        badge: "QUACK",
        ground: 0xF9DC6B,
        accent: 0x1F7F8A,
        lettering: 0xFFFFFF,
        dark: false,
        draw: biscuits,
        bit: crumb,
    },
    Product {
        name: "Lumo\nBulbs",
        what: "Have a bright idea at home",
        hook: &["Still", "in the", "dark?"],
        promise: "Lumo. It comes on when you switch it on.",
        badge: "BRIGHT",
        ground: 0x35456F,
        accent: 0xE0862B,
        lettering: 0xFFE9A8,
        dark: true,
        draw: bulb,
        bit: glimmer,
    },
];

fn cola(e: &mut Easel) {
    let side = |x: f32| {
        vec![
            (x * 34.0, 26.0),
            (x * 34.0, 110.0),
            (x * 70.0, 200.0),
            (x * 84.0, 290.0),
            (x * 74.0, 400.0),
            (x * 82.0, 486.0),
        ]
    };
    let outline: Vec<(f32, f32)> =
        side(1.0).into_iter().chain(side(-1.0).into_iter().rev()).map(|(x, y)| (230.0 + x, y)).collect();
    e.polygon(&outline, 0x5A1E12);
    e.polygon(
        &[
            (204.0, 60.0),
            (214.0, 60.0),
            (206.0, 130.0),
            (176.0, 220.0),
            (164.0, 300.0),
            (156.0, 300.0),
            (168.0, 200.0),
            (200.0, 118.0),
        ],
        0x9A4A35,
    );
    e.rounded(190.0, 10.0, 80.0, 30.0, 8.0, STEEL);
    e.polygon(
        &[(152.0, 250.0), (308.0, 250.0), (312.0, 300.0), (308.0, 360.0), (152.0, 360.0), (148.0, 300.0)],
        RED,
    );
    e.polygon(
        &[(264.0, 222.0), (186.0, 316.0), (226.0, 316.0), (196.0, 392.0), (284.0, 286.0), (240.0, 286.0)],
        MUSTARD,
    );
    e.text_outlined(Line::centred("ZAP!", 62.0, 230.0, 326.0, CREAM), 5.0, 0x7A1710);
}

fn bubble(e: &mut Easel) {
    e.path_sheer(circle(17.0, 17.0, 15.0), 0xFFFFFF, 0.45);
    e.ring(17.0, 17.0, 14.0, 2.5, 0xFFFFFF);
    e.disc(12.0, 12.0, 3.5, 0xFFFFFF);
}

fn toothpaste(e: &mut Easel) {
    e.place(230.0, 268.0, -0.06, 1.0);
    e.polygon(&[(-170.0, -66.0), (150.0, -50.0), (150.0, 50.0), (-170.0, 66.0)], 0xFFFFFF);
    e.polygon(&[(-170.0, -66.0), (150.0, -50.0), (150.0, -26.0), (-170.0, -36.0)], 0x1C6FA0);
    e.polygon(&[(-170.0, 36.0), (150.0, 26.0), (150.0, 50.0), (-170.0, 66.0)], TEAL);
    e.rect(-192.0, -70.0, 26.0, 140.0, 0xD8E4EA);
    e.polygon(&[(150.0, -30.0), (176.0, -20.0), (176.0, 20.0), (150.0, 30.0)], 0xD8E4EA);
    e.rounded(174.0, -32.0, 44.0, 64.0, 8.0, 0x1C6FA0);
    e.text(Line::centred("FJORD", 74.0, -6.0, 24.0, 0x1C6FA0).spaced(0.04));
    e.unplace();
    // Mountains in the ice, and a brush before them.
    e.polygon(&[(60.0, 486.0), (150.0, 352.0), (206.0, 424.0), (276.0, 330.0), (400.0, 486.0)], 0xE9F6FA);
    e.polygon(
        &[(150.0, 352.0), (206.0, 424.0), (180.0, 440.0), (160.0, 420.0), (140.0, 440.0), (120.0, 400.0)],
        0xB9DFEC,
    );
    e.polygon(
        &[(276.0, 330.0), (338.0, 408.0), (310.0, 430.0), (284.0, 400.0), (262.0, 430.0), (240.0, 380.0)],
        0xB9DFEC,
    );
    e.rounded(70.0, 460.0, 320.0, 18.0, 9.0, RED);
    for i in 0..7 {
        e.rounded(
            80.0 + 13.0 * i as f32,
            432.0,
            10.0,
            32.0,
            3.0,
            if i % 2 == 0 { 0xFFFFFF } else { 0x7CC3E8 },
        );
    }
}

fn snowflake(e: &mut Easel) {
    for i in 0..3 {
        let (sin, cos) = (TAU * i as f32 / 6.0).sin_cos();
        e.strokes(
            &[(17.0 - 14.0 * cos, 17.0 - 14.0 * sin), (17.0 + 14.0 * cos, 17.0 + 14.0 * sin)],
            4.0,
            0xFFFFFF,
        );
    }
}

fn marmalade(e: &mut Easel) {
    e.rounded(110.0, 110.0, 240.0, 370.0, 42.0, 0xFBE3B0);
    e.rounded(122.0, 140.0, 216.0, 328.0, 34.0, 0xE5731E);
    for (x, y, turn) in [
        (160.0, 190.0, 0.1),
        (290.0, 210.0, 0.4),
        (180.0, 430.0, 0.7),
        (280.0, 420.0, 0.2),
        (230.0, 180.0, 0.9),
    ] {
        e.stroke(arc(x, y, 22.0, 14.0, turn, turn + 0.4), 8.0, 0xF9B04A);
    }
    e.rounded(104.0, 70.0, 252.0, 62.0, 14.0, 0x2F6B4A);
    for i in 0..8 {
        e.rect(120.0 + 30.0 * i as f32, 74.0, 7.0, 54.0, 0x25553B);
    }
    e.rounded(122.0, 240.0, 216.0, 140.0, 10.0, CREAM);
    e.disc(230.0, 282.0, 30.0, ORANGE);
    e.polygon(&[(232.0, 256.0), (262.0, 238.0), (254.0, 262.0)], GREEN);
    e.text(Line::centred("MARLOW'S", 40.0, 230.0, 350.0, BROWN).within(196.0));
    e.path_sheer(rounded(134.0, 150.0, 20.0, 300.0, 10.0), 0xFFFFFF, 0.35);
}

fn orange_slice(e: &mut Easel) {
    e.path(slice(17.0, 14.0, 16.0, 0.0, 1.0), 0xE5731E);
    e.path(slice(17.0, 15.0, 12.0, 0.0, 1.0), 0xFFD489);
}

fn broom(e: &mut Easel) {
    e.strokes(&[(330.0, 10.0), (236.0, 300.0)], 20.0, 0xB5713F);
    e.strokes(&[(326.0, 14.0), (234.0, 296.0)], 5.0, 0xDFA46B);
    e.polygon(&[(196.0, 282.0), (284.0, 310.0), (274.0, 348.0), (176.0, 318.0)], 0x6A2A83);
    for i in 0..11 {
        let x = 178.0 + 9.6 * i as f32;
        let y = 318.0 + 2.9 * i as f32;
        e.strokes(
            &[(x, y), (x - 78.0 + 9.0 * i as f32, y + 150.0 - 3.0 * i as f32)],
            12.0,
            if i % 2 == 0 { MUSTARD } else { 0xD9962B },
        );
    }
    e.place(262.0, 220.0, -0.2, 1.0);
    e.rounded(-64.0, -26.0, 128.0, 52.0, 12.0, RED);
    e.text(Line::centred("3000", 42.0, 0.0, 16.0, CREAM));
    e.unplace();
    for i in 0..4 {
        let y = 330.0 + 42.0 * i as f32;
        e.strokes(&[(320.0 + 16.0 * i as f32, y), (430.0, y)], 8.0, 0xFFF6DA);
    }
}

fn spark(e: &mut Easel) {
    e.path(star(17.0, 17.0, 16.0, 4.0, 4, 0.0), 0xFFF6DA);
}

fn umbrella(e: &mut Easel) {
    e.strokes(&[(230.0, 30.0), (230.0, 420.0)], 12.0, BROWN);
    e.stroke(arc(256.0, 420.0, 26.0, 34.0, 0.0, 0.5), 14.0, BROWN);
    e.path(slice(230.0, 250.0, 200.0, -1.0, 0.0), 0xC93A2E);
    for (i, colour) in [0xC93A2E, MUSTARD, 0xC93A2E, MUSTARD, 0xC93A2E].into_iter().enumerate() {
        let (a, b) = (30.0 + 80.0 * i as f32, 110.0 + 80.0 * i as f32);
        let rib = |x: f32| -> Vec<(f32, f32)> {
            (0..=12)
                .map(|s| s as f32 / 12.0 * TAU / 4.0)
                .map(|t| (230.0 + (x - 230.0) * t.sin(), 250.0 - 200.0 * t.cos()))
                .collect()
        };
        let panel: Vec<(f32, f32)> = rib(a).into_iter().chain(rib(b).into_iter().rev()).collect();
        e.polygon(&panel, colour);
    }
    for i in 0..5 {
        e.path(slice(70.0 + 80.0 * i as f32, 252.0, 40.0, -0.5, 0.02), 0x8DA9C4);
    }
    e.strokes(&[(230.0, 36.0), (230.0, 52.0)], 12.0, BROWN);
    e.strokes(&[(230.0, 232.0), (230.0, 420.0)], 12.0, BROWN);
}

fn drop(e: &mut Easel) {
    e.polygon(&[(17.0, 2.0), (26.0, 19.0), (8.0, 19.0)], 0xE6F1FA);
    e.disc(17.0, 22.0, 9.6, 0xE6F1FA);
}

fn mattress(e: &mut Easel) {
    e.rounded(20.0, 180.0, 26.0, 300.0, 10.0, BROWN);
    e.rounded(414.0, 300.0, 26.0, 180.0, 10.0, BROWN);
    e.rounded(30.0, 330.0, 400.0, 110.0, 26.0, 0xFFFFFF);
    for i in 0..6 {
        e.strokes(&[(60.0 + 60.0 * i as f32, 356.0), (60.0 + 60.0 * i as f32, 416.0)], 4.0, 0xD9CFEA);
        e.disc(90.0 + 60.0 * i as f32, 386.0, 5.0, 0x8B77BE);
    }
    e.rounded(50.0, 276.0, 130.0, 62.0, 28.0, CREAM);
    e.disc(132.0, 262.0, 44.0, 0xF2C49B);
    e.path(slice(132.0, 258.0, 46.0, -1.0, -0.3), 0x3A2D6B);
    e.polygon(&[(92.0, 236.0), (170.0, 232.0), (60.0, 190.0)], 0x3A2D6B);
    e.disc(60.0, 190.0, 14.0, CREAM);
    e.stroke(arc(120.0, 262.0, 9.0, 6.0, 0.05, 0.45), 4.0, INK);
    e.stroke(arc(150.0, 262.0, 9.0, 6.0, 0.05, 0.45), 4.0, INK);
    e.stroke(arc(138.0, 280.0, 10.0, 7.0, 0.05, 0.45), 4.0, RED);
    e.shaded(rounded(150.0, 270.0, 272.0, 86.0, 40.0), 270.0, 356.0, PINK, PLUM);
    e.text(Line::centred("Z", 80.0, 230.0, 220.0, 0x3A2D6B));
    e.text(Line::centred("Z", 110.0, 292.0, 160.0, 0x3A2D6B));
    e.text(Line::centred("Z", 140.0, 370.0, 106.0, 0x3A2D6B));
}

fn snore(e: &mut Easel) {
    e.text(Line::centred("z", 44.0, 17.0, 26.0, 0xFFF6DA));
}

fn airliner(e: &mut Easel) {
    e.place(230.0, 270.0, -0.035, 1.0);
    e.polygon(&[(-40.0, -10.0), (20.0, -10.0), (-90.0, -150.0), (-124.0, -150.0)], 0xC3D2DD);
    e.polygon(&[(-206.0, -20.0), (-150.0, -26.0), (-196.0, -116.0), (-226.0, -116.0)], 0xD9402F);
    e.path(rounded(-214.0, -46.0, 420.0, 92.0, 46.0), 0xFFFFFF);
    e.path(rounded(-214.0, 8.0, 414.0, 18.0, 9.0), 0xD9402F);
    e.polygon(&[(-206.0, 0.0), (-150.0, 0.0), (-216.0, 54.0), (-236.0, 54.0)], 0xD9402F);
    for i in 0..8 {
        e.rounded(-130.0 + 33.0 * i as f32, -24.0, 20.0, 22.0, 8.0, NAVY);
    }
    e.polygon(&[(150.0, -30.0), (186.0, -26.0), (200.0, -4.0), (152.0, -4.0)], NAVY);
    e.polygon(&[(-40.0, 14.0), (40.0, 14.0), (-110.0, 178.0), (-150.0, 178.0)], 0xDCE6ED);
    e.rounded(-50.0, 70.0, 74.0, 30.0, 14.0, STEEL);
    e.unplace();
}

fn puff(e: &mut Easel) {
    for (x, y, r) in [(11.0, 20.0, 9.0), (20.0, 14.0, 10.0), (25.0, 22.0, 8.0)] {
        e.disc(x, y, r, 0xFFFFFF);
    }
}

fn biscuits(e: &mut Easel) {
    e.rounded(70.0, 190.0, 320.0, 290.0, 18.0, 0x1F7F8A);
    e.rect(70.0, 240.0, 320.0, 20.0, CREAM);
    e.rect(70.0, 410.0, 320.0, 20.0, CREAM);
    e.text_outlined(Line::centred("QUACKERS", 62.0, 230.0, 358.0, 0xFFFFFF).within(290.0), 6.0, RED);
    e.place(214.0, 116.0, 0.0, 1.15);
    duck(e);
    e.unplace();
}

fn duck(e: &mut Easel) {
    e.oval(0.0, 34.0, 74.0, 46.0, 0xD9913F);
    e.disc(46.0, -22.0, 38.0, 0xD9913F);
    e.polygon(&[(76.0, -30.0), (116.0, -16.0), (78.0, -4.0)], 0xB5652A);
    e.polygon(&[(-60.0, 20.0), (-96.0, -12.0), (-40.0, 4.0)], 0xD9913F);
    e.disc(52.0, -30.0, 6.0, BROWN);
    e.stroke(arc(-4.0, 32.0, 40.0, 22.0, 0.02, 0.5), 5.0, 0xB5652A);
    for (x, y) in [(-30.0, 52.0), (0.0, 62.0), (28.0, 54.0)] {
        e.disc(x, y, 4.0, 0xB5652A);
    }
}

fn crumb(e: &mut Easel) {
    e.polygon(&[(6.0, 14.0), (16.0, 6.0), (28.0, 12.0), (26.0, 26.0), (10.0, 28.0)], 0xD9913F);
}

fn bulb(e: &mut Easel) {
    e.glow(230.0, 210.0, 220.0, 0xFFE28A, 0.9);
    for i in 0..12 {
        let (sin, cos) = (TAU * i as f32 / 12.0).sin_cos();
        if sin < 0.75 {
            e.strokes(
                &[(230.0 + 172.0 * cos, 210.0 + 172.0 * sin), (230.0 + 204.0 * cos, 210.0 + 204.0 * sin)],
                12.0,
                0xFFE9A8,
            );
        }
    }
    e.polygon(&[(150.0, 290.0), (310.0, 290.0), (276.0, 384.0), (184.0, 384.0)], 0xFFE28A);
    e.disc(230.0, 210.0, 132.0, 0xFFE28A);
    e.path_sheer(oval(186.0, 164.0, 30.0, 46.0), 0xFFFFFF, 0.7);
    e.stroke(
        open(&[
            (206.0, 380.0),
            (196.0, 250.0),
            (214.0, 226.0),
            (230.0, 256.0),
            (246.0, 226.0),
            (264.0, 250.0),
            (254.0, 380.0),
        ]),
        7.0,
        0xE0862B,
    );
    for i in 0..4 {
        e.rounded(182.0, 384.0 + 22.0 * i as f32, 96.0, 18.0, 9.0, if i % 2 == 0 { STEEL } else { 0x7E8B99 });
    }
    e.path(polygon(&[(196.0, 472.0), (264.0, 472.0), (246.0, 494.0), (214.0, 494.0)]), INK);
}

fn glimmer(e: &mut Easel) {
    e.glow(17.0, 17.0, 16.0, 0xFFE9A8, 0.9);
    e.disc(17.0, 17.0, 4.0, 0xFFFFFF);
}
