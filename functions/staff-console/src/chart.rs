//! Charts that are part of the page: pictures without a script and without a style of their own, each with the same as a table
//! for those who do not see them. Names come from other services and are text.

use crate::page::text;
use comms::one_line;
use maud::{Markup, html};

/// The width of all charts, in their own units.
const WIDTH: usize = 700;

/// A bar with its name and number.
pub type Bar = (String, u64);

/// Counts of one kind, one per column. Its class says how it is drawn: `s0` to `s4`.
pub struct Series {
    pub name: &'static str,
    pub class: &'static str,
    pub values: Vec<u64>,
}

/// What the heading of a chart is found by.
fn id_of(title: &str) -> String {
    title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// Bars with their numbers, one below the other.
pub fn bars(title: &str, unit: &str, rows: &[Bar]) -> Markup {
    const ROW: usize = 24;
    const LABEL: usize = 400;
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let height = rows.len() * ROW;
    let id = id_of(title);
    html! {
        h2 id=(id) { (title) }
        div.table tabindex="0" role="region" aria-labelledby=(id) {
            svg role="img" aria-labelledby=(id) viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) {
                @for (index, (label, count)) in rows.iter().enumerate() {
                    @let y = index * ROW;
                    @let width = scaled(*count, most, WIDTH - LABEL - 80);
                    text x="0" y=(y + 16) direction="ltr" { (one_line(label)) }
                    rect.bar x=(LABEL) y=(y + 4) width=(width) height=(ROW - 8) {}
                    text x=(LABEL + width + 8) y=(y + 16) { (count) (unit) }
                }
            }
        }
        details { summary { "As a table" } table { tbody {
            @for (label, count) in rows { tr { th scope="row" { (text(label)) } td { (count) (unit) } } }
        } } }
    }
}

/// Columns side by side, one per span of time, each of its parts above the other.
pub fn columns(title: &str, spans: &[String], series: &[Series]) -> Markup {
    const HEIGHT: usize = 180;
    const LEFT: usize = 50;
    let sum = |at: usize| series.iter().map(|it| it.values.get(at).copied().unwrap_or_default()).sum::<u64>();
    let most = (0..spans.len()).map(sum).max().unwrap_or_default().max(1);
    let step = (WIDTH - LEFT) / spans.len().max(1);
    let id = id_of(title);
    let labelled = spans.len().div_ceil(8).max(1);
    html! {
        h2 id=(id) { (title) }
        div.table tabindex="0" role="region" aria-labelledby=(id) {
            svg role="img" aria-labelledby=(id) viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 30) } width=(WIDTH) height=(HEIGHT + 30) {
                text x="0" y="12" { (most) }
                text x="0" y=(HEIGHT) { "0" }
                path.axis d={ "M" (LEFT) " " (HEIGHT) "H" (WIDTH) } {}
                @for (at, span) in spans.iter().enumerate() {
                    @let x = LEFT + at * step;
                    @for (class, y, height) in stacked(series, at, most, HEIGHT) {
                        rect class=(class) x=(x + 1) y=(y) width=(step.saturating_sub(3).max(1)) height=(height) {}
                    }
                    @if at % labelled == 0 { text x=(x) y=(HEIGHT + 18) { (span) } }
                }
            }
            p.legend { @for it in series {
                span { svg.key aria-hidden="true" width="14" height="14" { rect class=(it.class) width="14" height="14" {} } " " (it.name) " " }
            } }
        }
        details { summary { "As a table" } table {
            thead { tr { th scope="col" { "From (UTC)" } @for it in series { th scope="col" { (it.name) } } } }
            tbody { @for (at, span) in spans.iter().enumerate() { tr {
                th scope="row" { (span) }
                @for it in series { td { (it.values.get(at).copied().unwrap_or_default()) } }
            } } }
        } }
    }
}

/// The parts of one column, from the axis up: class, upper edge and height of each that is not empty.
fn stacked(series: &[Series], at: usize, most: u64, room: usize) -> Vec<(&'static str, usize, usize)> {
    let (mut below, mut parts) = (0, Vec::new());
    for it in series {
        let count = it.values.get(at).copied().unwrap_or_default();
        if count == 0 {
            continue;
        }
        let bottom = room - scaled(below, most, room - 20);
        below += count;
        // what is there is seen, however little it is
        let top = (room - scaled(below, most, room - 20)).min(bottom.saturating_sub(2));
        parts.push((it.class, top, bottom - top));
    }
    parts
}

fn scaled(count: u64, most: u64, room: usize) -> usize {
    let room = room as u128;
    usize::try_from((u128::from(count) * room).div_ceil(u128::from(most.max(1))).min(room))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chart_shows_text_as_text() {
        let rows = [("<script>\u{202e}".to_owned(), 3), ("x".to_owned(), 0)];
        let html = bars("By reason", "", &rows).into_string();
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains('\u{202e}'), "{html}");
        assert!(!html.contains(" style="), "the policy refuses styles of elements");
    }

    #[test]
    fn whoever_does_not_see_the_columns_reads_the_same_in_a_table() {
        let spans = ["26 Nov".to_owned(), "27 Nov".to_owned()];
        let series = [
            Series { name: "sent", class: "s0", values: vec![7, 1000] },
            Series { name: "failed", class: "s3", values: vec![0, 1] },
        ];
        let html = columns("Documents", &spans, &series).into_string();
        assert!(html.contains("<th scope=\"row\">27 Nov</th><td>1000</td><td>1</td>"), "{html}");
        assert_eq!(html.matches("class=\"s3\"").count(), 2, "the one that failed is seen, and in the legend");
        assert!(html.contains("aria-labelledby=\"documents\"") && !html.contains(" style="), "{html}");
    }

    proptest! {
        #[test]
        fn columns_stay_in_their_room(counts in prop::collection::vec(any::<u64>().prop_map(|it| it >> 8), 1..5)) {
            let series: Vec<_> = counts.iter().map(|it| Series { name: "n", class: "s0", values: vec![*it] }).collect();
            let most = counts.iter().sum::<u64>().max(1);
            for (_, top, height) in stacked(&series, 0, most, 180) {
                prop_assert!(top + height <= 180 && height > 0);
            }
        }
    }
}
