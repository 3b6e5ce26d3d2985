//! Amounts at the edge of what a decimal holds, put in the place of those of a fixture.

use serde_json::Value;

/// What an amount can be at most and at least, in every mixture: sums, products and differences of them overflow.
const AMOUNTS: [&str; 8] = [
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
    "39614081257132168796771975168",
    "7922816251426433759354395033.5",
    "0.0000000000000000000000000001",
    "0.00",
    "-0.01",
    "12.34",
];

/// `value` in many versions, whose decimal texts (`"10.00"`) are replaced, each version in another way.
pub fn with_huge_amounts(value: &Value, versions: u64) -> impl Iterator<Item = Value> {
    (0..versions).map(move |version| {
        let (mut value, mut state) = (value.clone(), version.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        replace(&mut value, version, &mut state);
        value
    })
}

fn replace(value: &mut Value, version: u64, state: &mut u64) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, version, state)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, version, state)),
        Value::String(text) if is_decimal(text) => {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = (*state >> 33) % (AMOUNTS.len() as u64 + 2);
            // the first versions have one amount everywhere, others some of each and some as they were
            let pick = if version < AMOUNTS.len() as u64 { version } else { pick };
            if let Some(amount) = usize::try_from(pick).ok().and_then(|pick| AMOUNTS.get(pick)) {
                *text = (*amount).to_owned();
            }
        }
        _ => {}
    }
}

fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, rest)| digits(whole) && digits(rest))
}
