//! A chart's frame: axes, grid and colours, as an SVG that the page's style sheet can recolour.

use plotters::{
    coord::{
        Shift,
        ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter},
        types::RangedCoordf64,
    },
    prelude::*,
};
use std::ops::Range;

/// Size of a chart in SVG units; the page scales it.
const SIZE: (u32, u32) = (560, 285);

/// Text and axes.
const INK: RGBColor = RGBColor(0x3d, 0x44, 0x4d);
/// Grid lines.
const GRID: RGBColor = RGBColor(0xe4, 0xe7, 0xeb);
/// The first line.
pub(super) const BLUE: RGBColor = RGBColor(0x0b, 0x6b, 0xcb);
/// The second line, and what is worse.
pub(super) const ORANGE: RGBColor = RGBColor(0xd9, 0x6b, 0x0b);
/// What must not be reached.
pub(super) const RED: RGBColor = RGBColor(0xc9, 0x2a, 0x3b);
/// What is only for comparison.
pub(super) const GREY: RGBColor = RGBColor(0x8a, 0x93, 0x9e);

/// Why a chart could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot draw {chart}: {why}")]
pub struct ChartError {
    chart: String,
    why: String,
}

pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;
pub(super) type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Ticked, RangedCoordf64>>;

/// A linear axis with ticks where we say.
pub(super) struct Ticked {
    range: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Ticked {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.range.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.range()
    }
}

impl ValueFormatter<f64> for Ticked {
    fn format(value: &f64) -> String {
        value.to_string()
    }
}

/// Ranges and names of the axes, and how their values are written.
pub(super) struct Axes<'a> {
    pub(super) x: (f64, f64),
    pub(super) x_ticks: Vec<f64>,
    pub(super) y: (f64, f64),
    pub(super) x_name: &'a str,
    pub(super) y_name: &'a str,
    pub(super) x_label: &'a dyn Fn(&f64) -> String,
    pub(super) y_label: &'a dyn Fn(&f64) -> String,
}

/// Draws a chart into an SVG element that takes the width it is given.
pub(super) fn svg(
    name: &str,
    axes: &Axes<'_>,
    draw: impl FnOnce(&mut Plane<'_, '_>) -> Drawn,
) -> Result<String, ChartError> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    let drawn = frame(&area, axes, draw).and_then(|()| area.present().map_err(Into::into));
    drawn.map_err(|why| ChartError { chart: name.to_owned(), why: why.to_string() })?;
    drop(area);
    let (width, height) = SIZE;
    let fixed = format!("<svg width=\"{width}\" height=\"{height}\"");
    Ok(text.replacen(&fixed, &format!("<svg role=\"img\" aria-label=\"{}\"", super::page::escape(name)), 1))
}

fn frame(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    axes: &Axes<'_>,
    draw: impl FnOnce(&mut Plane<'_, '_>) -> Drawn,
) -> Drawn {
    let mut plane = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(58)
        .build_cartesian_2d(
            Ticked { range: (axes.x.0..axes.x.1).into(), ticks: axes.x_ticks.clone() },
            axes.y.0..axes.y.1,
        )?;
    plane
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 13, &INK))
        .axis_desc_style(("sans-serif", 13, &INK))
        .y_labels(6)
        .x_desc(axes.x_name)
        .y_desc(axes.y_name)
        .x_label_formatter(axes.x_label)
        .y_label_formatter(axes.y_label)
        .draw()?;
    draw(&mut plane)
}

/// A line through points, cut into steps: each value holds until the next.
pub(super) fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line = Vec::with_capacity(points.len() * 2);
    for pair in points.windows(2) {
        line.extend([pair[0], (pair[1].0, pair[0].1)]);
    }
    line.extend(points.last());
    line
}

/// Steps between ticks that suit hours and days alike.
const STEPS: [f64; 12] = [0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 120.0, 480.0];

/// Round numbers from 0 to `end`, nine at most.
pub(super) fn ticks(end: f64) -> Vec<f64> {
    let step = STEPS.into_iter().find(|step| end / step < 8.5).unwrap_or(end);
    (0..).map(|i| f64::from(i) * step).take_while(|tick| *tick <= end * (1.0 + 1e-9)).collect()
}

/// The next round number (1, 2 or 5 times a power of ten) that `value` fits under; at least 1.
pub(super) fn round_up(value: f64) -> f64 {
    let magnitude = 10f64.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * magnitude).find(|&top| top >= value).unwrap_or(10.0 * magnitude)
}
