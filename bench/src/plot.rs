//! Pictures of figures, as SVG: lines over a size, on logarithmic axes, and bars below each
//! other. Black on white, so that they are readable on a dark page too. Measures nothing.

use crate::Error;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// Width and height of a plot of lines, in pixels.
const LINES: (u32, u32) = (760, 420);
/// Width of a plot of bars, and the height of one bar.
const WIDTH: u32 = 760;
const ROW: u32 = 34;
const AROUND: u32 = 110;
/// Width of a letter of [`TEXT`], widely.
const LETTER: u32 = 7;
/// Told apart by people who do not see red and green apart (Okabe and Ito's colours).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const TITLE: (&str, u32) = ("sans-serif", 17);
const TEXT: (&str, u32) = ("sans-serif", 13);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// What a plot says beside its figures.
#[derive(Debug, Clone, Copy)]
pub struct Titles<'a> {
    /// Above it.
    pub plot: &'a str,
    /// Below the axis from left to right.
    pub x: &'a str,
    /// Beside the axis from bottom to top; bars have none.
    pub y: &'a str,
}

/// A named line: its points from left to right, all numbers above 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// In the legend.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
}

/// A named figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Beside it.
    pub name: String,
    /// Not below 0.
    pub value: f64,
    /// The figure as it is written at its end.
    pub text: String,
    /// In the colour of ours.
    pub is_ours: bool,
}

/// Lines on two logarithmic axes.
pub fn lines(titles: Titles<'_>, lines: &[Line]) -> Result<String, Error> {
    svg(LINES, |area| draw_lines(area, titles, lines))
}

/// Bars from left to right, the first on top.
pub fn bars(titles: Titles<'_>, bars: &[Bar]) -> Result<String, Error> {
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    let height = rows.saturating_mul(ROW).saturating_add(AROUND);
    svg((WIDTH, height), |area| draw_bars(area, titles, bars))
}

fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, Error> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = area.fill(&WHITE).map_err(Into::into);
    let drawn = drawn.and_then(|()| draw(&area));
    let ended = drawn.and_then(|()| Ok(area.present()?));
    ended.map_err(|error| Error::Other(format!("cannot draw a plot: {error}")))?;
    drop(area);
    // Some attributes end with a blank that no editor keeps.
    Ok(text)
}

fn draw_lines(area: &Area<'_>, titles: Titles<'_>, lines: &[Line]) -> Drawn {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = decades(points().map(|point| point.0));
    let y = decades(points().map(|point| point.1));
    let mut chart = ChartBuilder::on(area)
        .caption(titles.plot, TITLE)
        .margin(12)
        // Half of the last label.
        .margin_right(36)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(titles.x)
        .y_desc(titles.y)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .label_style(TEXT)
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let style = colour.stroke_width(2);
        let points = line.points.iter().copied();
        chart
            .draw_series(LineSeries::new(points, style).point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .label_font(TEXT)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    Ok(())
}

fn draw_bars(area: &Area<'_>, titles: Titles<'_>, bars: &[Bar]) -> Drawn {
    let most = bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let rows = f64::from(u32::try_from(bars.len())?);
    let longest = bars.iter().map(|bar| bar.name.chars().count()).max();
    let longest = u32::try_from(longest.unwrap_or(0))?;
    let mut chart = ChartBuilder::on(area)
        .caption(titles.plot, TITLE)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(longest * LETTER + 16)
        .build_cartesian_2d(0.0..most * 1.4, rows..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .x_desc(titles.x)
        .x_label_formatter(&|value| short(*value))
        .label_style(TEXT)
        .draw()?;
    let beside = |side| TEXT.into_text_style(area).pos(Pos::new(side, VPos::Center));
    for (row, bar) in (0u32..).zip(bars) {
        let (top, colour) = (f64::from(row), COLOURS[usize::from(!bar.is_ours)]);
        let corners = [(0.0, top + 0.2), (bar.value, top + 0.8)];
        chart.draw_series([Rectangle::new(corners, colour.filled())])?;
        let (x, y) = chart.backend_coord(&(0.0, top + 0.5));
        area.draw(&Text::new(
            bar.name.clone(),
            (x - 8, y),
            beside(HPos::Right),
        ))?;
        let (x, y) = chart.backend_coord(&(bar.value, top + 0.5));
        area.draw(&Text::new(bar.text.clone(), (x + 6, y), beside(HPos::Left)))?;
    }
    Ok(())
}

/// From the power of ten that is not above any of the values to one that is not below.
fn decades(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    10f64.powf(least.min(most).log10().floor())..10f64.powf(most.log10().ceil())
}

/// As a label of an axis: 0.1, 20, 5,000.
fn short(value: f64) -> String {
    if value < 1.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    crate::thousands(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: Titles<'_> = Titles {
        plot: "What it takes",
        x: "accounts",
        y: "µs",
    };

    #[test]
    fn lines_are_named_and_axes_reach_to_powers_of_ten() {
        let line = |name: &str, points: &[(f64, f64)]| Line {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let some = [
            line("ours", &[(100.0, 6.0), (1000.0, 20.0)]),
            line("theirs", &[(100.0, 90.0)]),
        ];
        let svg = lines(TITLES, &some).unwrap();
        for text in ["What it takes", "ours", "theirs", "accounts", "1,000"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert_eq!(decades([6.0, 20.0, 90.0].into_iter()), 1.0..100.0);
    }

    #[test]
    fn bars_have_their_figures() {
        let bar = |name: &str, value| Bar {
            name: name.to_owned(),
            value,
            text: format!("{value} µs"),
            is_ours: name == "ours",
        };
        let svg = bars(TITLES, &[bar("ours", 430.0), bar("theirs", 570.0)]).unwrap();
        assert!(svg.contains("430 µs") && svg.contains("theirs"), "{svg}");
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(short(0.0), "0");
        assert_eq!(short(0.5), "0.5");
        assert_eq!(short(100_000.0), "100,000");
    }
}
