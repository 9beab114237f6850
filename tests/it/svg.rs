//! A drawn buffer as a picture: SVG by hand, PNG through resvg with an embedded font, so that the
//! same buffer gives the same bytes on any machine.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// Size of a cell in SVG units: `DejaVu` Sans Mono at 15 units is 9.03 wide.
const CELL: (usize, usize) = (9, 18);
const FONT: f32 = 15.0;

/// Colours that a terminal would use for its own: the theme's when it sets none.
pub struct Ground {
    pub foreground: (u8, u8, u8),
    pub background: (u8, u8, u8),
}

/// Draws the buffer as SVG text.
pub fn svg(buffer: &Buffer, ground: &Ground) -> String {
    let area = buffer.area();
    let (wide, tall) = (
        usize::from(area.width) * CELL.0,
        usize::from(area.height) * CELL.1,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{tall}\" viewBox=\"0 0 {wide} {tall}\">\n\
         <g font-family=\"DejaVu Sans Mono\" font-size=\"{FONT}\" shape-rendering=\"crispEdges\">\n\
         <rect width=\"{wide}\" height=\"{tall}\" fill=\"{}\"/>\n",
        hex(ground.background)
    );
    for y in 0..area.height {
        backgrounds(&mut out, buffer, y, ground);
        glyphs(&mut out, buffer, y, ground);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Renders an SVG to PNG at twice its size, so that lines fall on whole pixels.
pub fn png(svg: &str) -> Vec<u8> {
    let mut options = resvg::usvg::Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans_mono::regular().to_vec());
    fonts.load_font_data(dejavu::sans_mono::bold().to_vec());
    let tree = resvg::usvg::Tree::from_str(svg, &options).unwrap();
    let size = tree.size().to_int_size().scale_by(2.0).unwrap();
    let mut pixels = resvg::tiny_skia::Pixmap::new(size.width(), size.height()).unwrap();
    let twice = resvg::tiny_skia::Transform::from_scale(2.0, 2.0);
    resvg::render(&tree, twice, &mut pixels.as_mut());
    pixels.encode_png().unwrap()
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Foreground and background of a cell after reversal.
fn colours(buffer: &Buffer, x: u16, y: u16, ground: &Ground) -> ((u8, u8, u8), (u8, u8, u8)) {
    let cell = &buffer[(x, y)];
    let fg = rgb(cell.fg).unwrap_or(ground.foreground);
    let bg = rgb(cell.bg).unwrap_or(ground.background);
    if cell.modifier.contains(Modifier::REVERSED) {
        (bg, fg)
    } else {
        (fg, bg)
    }
}

fn backgrounds(out: &mut String, buffer: &Buffer, y: u16, ground: &Ground) {
    let width = buffer.area().width;
    let mut x = 0;
    while x < width {
        let (_, bg) = colours(buffer, x, y, ground);
        let end = (x..width)
            .find(|at| colours(buffer, *at, y, ground).1 != bg)
            .unwrap_or(width);
        if bg != ground.background {
            rectangle(
                out,
                usize::from(x) * CELL.0,
                usize::from(y) * CELL.1,
                usize::from(end - x) * CELL.0,
                CELL.1,
                bg,
            );
        }
        x = end;
    }
}

fn rectangle(
    out: &mut String,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    fill: (u8, u8, u8),
) {
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
        hex(fill)
    );
}

fn glyphs(out: &mut String, buffer: &Buffer, y: u16, ground: &Ground) {
    let width = buffer.area().width;
    let mut x = 0;
    while x < width {
        let symbol = buffer[(x, y)].symbol();
        let (fg, _) = colours(buffer, x, y, ground);
        if symbol.trim().is_empty() || shape(out, symbol, x, y, fg) {
            x += 1;
            continue;
        }
        let same = |at: u16| {
            let cell = &buffer[(at, y)];
            let like =
                colours(buffer, at, y, ground).0 == fg && cell.modifier == buffer[(x, y)].modifier;
            like && !is_shape(cell.symbol())
        };
        let end = (x..width).find(|at| !same(*at)).unwrap_or(width);
        text(out, buffer, x, end, y, fg);
        x = end;
    }
}

/// One run of equal style, each glyph on its own column.
fn text(out: &mut String, buffer: &Buffer, from: u16, to: u16, y: u16, fg: (u8, u8, u8)) {
    let mut xs = Vec::new();
    let mut run = String::new();
    for x in from..to {
        let symbol = buffer[(x, y)].symbol();
        let first = symbol.chars().next().unwrap_or(' ');
        if first != ' ' {
            xs.push((usize::from(x) * CELL.0).to_string());
            run.push_str(&escaped(first));
        }
    }
    if run.is_empty() {
        return;
    }
    let modifier = buffer[(from, y)].modifier;
    let bold = if modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let dim = if modifier.contains(Modifier::DIM) {
        " opacity=\"0.6\""
    } else {
        ""
    };
    let base = usize::from(y) * CELL.1 + 14;
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{base}\" fill=\"{}\"{bold}{dim}>{run}</text>",
        xs.join(" "),
        hex(fg)
    );
    if modifier.contains(Modifier::UNDERLINED) {
        let (x, wide) = (usize::from(from) * CELL.0, usize::from(to - from) * CELL.0);
        rectangle(out, x, base + 2, wide, 1, fg);
    }
}

fn escaped(c: char) -> String {
    match c {
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '&' => "&amp;".into(),
        c => c.to_string(),
    }
}

fn is_shape(symbol: &str) -> bool {
    let c = symbol.chars().next().unwrap_or(' ') as u32;
    matches!(c, 0x2500..=0x2502 | 0x2581..=0x2588 | 0x2800..=0x28ff)
}

/// Lines, blocks and braille as shapes: font glyphs leave gaps between cells, and the face has no
/// braille.
fn shape(out: &mut String, symbol: &str, x: u16, y: u16, fg: (u8, u8, u8)) -> bool {
    let (left, top) = (usize::from(x) * CELL.0, usize::from(y) * CELL.1);
    let c = symbol.chars().next().unwrap_or(' ') as u32;
    match c {
        0x2500 => rectangle(out, left, top + CELL.1 / 2, CELL.0, 1, fg),
        0x2501 => rectangle(out, left, top + CELL.1 / 2 - 1, CELL.0, 3, fg),
        0x2502 => rectangle(out, left + CELL.0 / 2, top, 1, CELL.1, fg),
        0x2581..=0x2588 => {
            let tall = CELL.1 * (c as usize - 0x2580) / 8;
            rectangle(out, left, top + CELL.1 - tall, CELL.0, tall, fg);
        }
        0x2800..=0x28ff => {
            // Bits of the dots by column and row, as Unicode numbers them.
            const BITS: [[u32; 4]; 2] = [[0, 1, 2, 6], [3, 4, 5, 7]];
            for (column, rows) in BITS.iter().enumerate() {
                for (row, bit) in rows.iter().enumerate() {
                    if (c - 0x2800) & (1 << bit) != 0 {
                        rectangle(out, left + 1 + column * 4, top + 2 + row * 4, 2, 2, fg);
                    }
                }
            }
        }
        _ => return false,
    }
    true
}

/// The colour of a cell; `None` is the terminal's own.
fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    // The sixteen as a common terminal draws them, for themes that leave the choice to it.
    const NAMED: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 49, 49),
        (13, 188, 121),
        (229, 229, 16),
        (36, 114, 200),
        (188, 63, 188),
        (17, 168, 205),
        (229, 229, 229),
        (102, 102, 102),
        (241, 76, 76),
        (35, 209, 139),
        (245, 245, 67),
        (59, 142, 234),
        (214, 112, 214),
        (41, 184, 219),
        (255, 255, 255),
    ];
    let named = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some((r, g, b)),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(index) => return Some(indexed(index)),
    };
    Some(NAMED[named])
}

/// The 256-colour cube and greys.
fn indexed(index: u8) -> (u8, u8, u8) {
    let step = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
    match index {
        16..=231 => {
            let n = index - 16;
            (step(n / 36), step(n / 6 % 6), step(n % 6))
        }
        232..=255 => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
        _ => (128, 128, 128),
    }
}
