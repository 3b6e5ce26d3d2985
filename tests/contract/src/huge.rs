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
        let (mut value, mut random) = (value.clone(), fastrand::Rng::with_seed(version));
        replace(&mut value, version, &mut random);
        value
    })
}

fn replace(value: &mut Value, version: u64, random: &mut fastrand::Rng) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, version, random)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, version, random)),
        Value::String(text) if is_decimal(text) => {
            let pick = random.u64(..AMOUNTS.len() as u64 + 2);
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
