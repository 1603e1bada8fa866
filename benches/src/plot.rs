//! Cost against size as an SVG, both axes logarithmic.

use std::fmt::Write as _;

use crate::measure::Measured;
use crate::table::time;

/// One diagram: the sides of one case at several sizes.
#[derive(Debug)]
pub struct Panel {
    title: &'static str,
    curves: Vec<Curve>,
}

#[derive(Debug)]
struct Curve {
    side: &'static str,
    /// Items and nanoseconds.
    points: Vec<(f64, f64)>,
}

/// The colours of sides, witwire's first. They differ in brightness too.
const COLOURS: [&str; 4] = ["#0b4f9e", "#c2410c", "#6b9fd4", "#d8a31a"];

/// A panel's size, and its margins: left, top, right, bottom.
const SIZE: (f64, f64) = (330.0, 380.0);
const MARGINS: (f64, f64, f64, f64) = (58.0, 34.0, 14.0, 126.0);

impl Panel {
    /// The cases of a group, by their sizes.
    pub fn of(group: &'static str, cases: &[Measured]) -> Self {
        let mut curves: Vec<Curve> = Vec::new();
        for case in cases.iter().filter(|case| case.entry.group() == group) {
            let Some(size) = case.entry.size else { continue };
            for side in &case.sides {
                let point = (f64::from(size), side.times.median);
                match curves.iter_mut().find(|curve| curve.side == side.name) {
                    Some(curve) => curve.points.push(point),
                    None => curves.push(Curve { side: side.name, points: vec![point] }),
                }
            }
        }
        Self { title: group, curves }
    }
}

/// All panels side by side.
pub fn draw(panels: &[Panel]) -> String {
    let (width, height) = (SIZE.0 * panels.len() as f64, SIZE.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Time of a call against the number of items</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (n, panel) in panels.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate({} 0)\">", SIZE.0 * n as f64);
        panel.draw(&mut svg);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// A logarithmic axis: whole decades, and where on the paper they begin and end.
struct Axis {
    from: i32,
    to: i32,
    start: f64,
    end: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (from, to) = if low <= high { (low.log10().floor() as i32, high.log10().ceil() as i32) } else { (0, 1) };
        Self { from, to: to.max(from + 1), start, end }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from) * (self.end - self.start)
    }

    fn decades(&self) -> impl Iterator<Item = (f64, f64)> {
        (self.from..=self.to).map(|decade| 10_f64.powi(decade)).map(|value| (value, self.at(value)))
    }
}

impl Panel {
    fn draw(&self, svg: &mut String) {
        let (left, top, right, bottom) = (MARGINS.0, MARGINS.1, SIZE.0 - MARGINS.2, SIZE.1 - MARGINS.3);
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter());
        let across = Axis::over(points().map(|p| p.0), left, right);
        let up = Axis::over(points().map(|p| p.1), bottom, top);

        let _ = writeln!(svg, "<text x=\"{left}\" y=\"20\" font-weight=\"bold\" fill=\"#222\">{}</text>", self.title);
        for (value, x) in across.decades() {
            line(svg, (x, top), (x, bottom));
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#222\">{value}</text>",
                bottom + 16.0
            );
        }
        for (value, y) in up.decades() {
            line(svg, (left, y), (right, y));
            let label = time(value).replace(".00", "").replace(".0", "");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222\">{label}</text>",
                left - 6.0,
                y + 4.0
            );
        }
        let middle = f64::midpoint(left, right);
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#222\">items</text>",
            bottom + 32.0
        );
        for (n, (curve, colour)) in self.curves.iter().zip(COLOURS).enumerate() {
            let places: Vec<_> = curve.points.iter().map(|(x, y)| (across.at(*x), up.at(*y))).collect();
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                path.join(" ")
            );
            for (x, y) in places {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
            }
            let y = bottom + 54.0 + 18.0 * n as f64;
            let _ = writeln!(svg, "<rect x=\"{left}\" y=\"{:.1}\" width=\"18\" height=\"4\" fill=\"{colour}\"/>", y - 6.0);
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"#222\">{}</text>",
                left + 26.0,
                curve.side.replace('`', "")
            );
        }
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}
