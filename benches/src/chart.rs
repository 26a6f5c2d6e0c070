//! Draws bars as SVG that can be read on light and on dark ground.

use std::fmt::Write;

use crate::{Standing, report::Measured};

/// A panel for each case worth showing; within one, bars are as long as the speed is great.
pub(crate) fn chart(title: &str, measured: &[Measured]) -> String {
    let panels: Vec<_> =
        CASES.iter().filter_map(|case| measured.iter().find(|m| m.case == *case)).collect();
    let rows = panels.len().div_ceil(COLUMNS);
    let height = TOP + panels.chunks(COLUMNS).map(row_height).sum::<usize>() + FOOT;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{title}">"#
    );
    svg.push_str(STYLE);
    let _ = writeln!(svg, r#"<text class="title" x="{MARGIN}" y="26">{title}</text>"#);
    for (line, y) in SUBTITLE.into_iter().zip([44, 60]) {
        let _ = writeln!(svg, r#"<text class="note" x="{MARGIN}" y="{y}">{line}</text>"#);
    }
    let mut top = TOP;
    for row in panels.chunks(COLUMNS).take(rows) {
        for (column, panel) in row.iter().enumerate() {
            draw_panel(&mut svg, panel, MARGIN + column * PANEL_STEP, top);
        }
        top += row_height(row);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, measured: &Measured, left: usize, top: usize) {
    let case = &measured.case;
    let _ = writeln!(svg, r#"<text class="case" x="{left}" y="{}">{case}</text>"#, top + 12);
    let standings: Vec<_> = shown(measured).collect();
    let most = standings.iter().map(|standing| measured.mrec_s(standing)).fold(0.0, f64::max);
    for (index, standing) in standings.iter().enumerate() {
        draw_bar(svg, measured, standing, most, (left, top + PANEL_TOP + index * BAR_STEP));
    }
}

fn draw_bar(
    svg: &mut String,
    measured: &Measured,
    standing: &Standing,
    most: f64,
    (left, top): (usize, usize),
) {
    let (client, speed) = (standing.client, measured.mrec_s(standing));
    let length = (speed / most * BAR_LENGTH as f64).max(1.0);
    let bar = left + LABEL_WIDTH;
    let base = top + BAR_HEIGHT - 3;
    let class = class(client);
    let _ = writeln!(
        svg,
        r#"<text class="label" x="{}" y="{base}">{client}</text><rect class="{class}" x="{bar}" y="{top}" width="{length:.1}" height="{BAR_HEIGHT}" rx="2"/><text class="value" x="{:.1}" y="{base}">{}</text>"#,
        bar - 6,
        bar as f64 + length + 5.0,
        figure(speed),
    );
}

/// The limits of the hardware are shown where nothing is compressed: with a codec they hash and copy other bytes than
/// those that come out.
fn shown(measured: &Measured) -> impl Iterator<Item = &Standing> {
    let compressed = measured.case.contains('/');
    let standings = measured.standings().iter();
    standings.filter(move |standing| {
        standing.client != "memcpy" && !(compressed && standing.client == "crc")
    })
}

fn row_height(row: &[&Measured]) -> usize {
    let bars = row.iter().map(|measured| shown(measured).count()).max().unwrap_or_default();
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
fn figure(speed: f64) -> String {
    match speed {
        speed if speed >= 100.0 => format!("{speed:.0}"),
        speed if speed >= 10.0 => format!("{speed:.1}"),
        speed => format!("{speed:.2}"),
    }
}

const CASES: [&str; 8] =
    ["100B", "100B+2h", "1KiB", "10KiB", "1KiB/lz4", "1KiB/zstd", "1KiB/snappy", "1KiB/gzip"];
const SUBTITLE: [&str; 2] = [
    "millions of records per second of one core; crc: hashing the same bytes and nothing else",
    "kavka reads headers (2h) when they are asked for, as kavka-headers does; krafka's zstd is pure Rust",
];
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
