//! Draws bars as SVG that can be read on light and on dark ground.

use std::fmt::Write;

/// Bars that can be compared with each other.
pub(crate) struct Panel<'m> {
    pub(crate) case: &'m str,
    pub(crate) bars: Vec<Bar>,
}

/// One bar, as long as its figure is great.
pub(crate) struct Bar {
    pub(crate) label: &'static str,
    pub(crate) figure: f64,
}

/// A panel for each case.
pub(crate) fn chart(title: &str, notes: &[&str; 2], panels: &[Panel<'_>]) -> String {
    let height = TOP + panels.chunks(COLUMNS).map(row_height).sum::<usize>() + FOOT;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{title}">"#
    );
    svg.push_str(STYLE);
    let _ = writeln!(svg, r#"<text class="title" x="{MARGIN}" y="26">{title}</text>"#);
    for (line, y) in notes.iter().zip([44, 60]) {
        let _ = writeln!(svg, r#"<text class="note" x="{MARGIN}" y="{y}">{line}</text>"#);
    }
    let mut top = TOP;
    for row in panels.chunks(COLUMNS) {
        for (column, panel) in row.iter().enumerate() {
            draw_panel(&mut svg, panel, MARGIN + column * PANEL_STEP, top);
        }
        top += row_height(row);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, panel: &Panel<'_>, left: usize, top: usize) {
    let case = panel.case;
    let _ = writeln!(svg, r#"<text class="case" x="{left}" y="{}">{case}</text>"#, top + 12);
    let most = panel.bars.iter().map(|bar| bar.figure).fold(0.0, f64::max);
    for (index, bar) in panel.bars.iter().enumerate() {
        draw_bar(svg, bar, most, (left, top + PANEL_TOP + index * BAR_STEP));
    }
}

fn draw_bar(svg: &mut String, bar: &Bar, most: f64, (left, top): (usize, usize)) {
    let Bar { label, figure } = *bar;
    let length = (figure / most * BAR_LENGTH as f64).max(1.0);
    let left = left + LABEL_WIDTH;
    let base = top + BAR_HEIGHT - 3;
    let class = class(label);
    let _ = writeln!(
        svg,
        r#"<text class="label" x="{}" y="{base}">{label}</text><rect class="{class}" x="{left}" y="{top}" width="{length:.1}" height="{BAR_HEIGHT}" rx="2"/><text class="value" x="{:.1}" y="{base}">{}</text>"#,
        left - 6,
        left as f64 + length + 5.0,
        digits(figure),
    );
}

fn row_height(row: &[Panel<'_>]) -> usize {
    let bars = row.iter().map(|panel| panel.bars.len()).max().unwrap_or_default();
    PANEL_TOP + bars * BAR_STEP + PANEL_GAP
}

fn class(client: &str) -> &'static str {
    match client {
        "crc" => "limit",
        ours if ours.starts_with("kavka") => "ours",
        _ => "other",
    }
}

/// Three digits say enough.
fn digits(figure: f64) -> String {
    match figure {
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}

const STYLE: &str = "<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 16px; font-weight: 600; fill: #1f2328 }
.case { font-weight: 600; fill: #1f2328 }
.label { text-anchor: end }
.ours { fill: #d9730d } .other { fill: #8c959f } .limit { fill: none; stroke: #8c959f }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title, .case { fill: #f0f6fc }
.ours { fill: #f0883e } .other { fill: #6e7681 } .limit { stroke: #6e7681 }
}
</style>
";
const WIDTH: usize = 820;
const MARGIN: usize = 16;
const COLUMNS: usize = 2;
const PANEL_STEP: usize = 400;
const TOP: usize = 80;
const FOOT: usize = 0;
const PANEL_TOP: usize = 22;
const PANEL_GAP: usize = 16;
const BAR_STEP: usize = 20;
const BAR_HEIGHT: usize = 14;
const LABEL_WIDTH: usize = 96;
const BAR_LENGTH: usize = 230;
