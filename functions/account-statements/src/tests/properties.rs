//! Statement arithmetic for any sequence of invoices, payments, refunds and credits.

use super::*;
use proptest::{collection::vec, prelude::*, sample::select};

/// What happens to an order, in cents, or thousandths, or whole yen.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Pay(i64),
    /// Something is added by an edit.
    Add(i64),
    /// Something is taken off or returned without money.
    TakeOff(i64),
    /// Returned goods and as much money.
    Refund(i64),
    /// Money, and nothing returned.
    GiveBack(i64),
    /// Money for what was taken off before.
    PayBack(i64),
    /// Returned goods and less money than they were worth.
    Fee(i64),
    /// With the money back, or not yet.
    Cancel(bool),
}

#[derive(Debug, Clone)]
pub struct Life {
    currency: &'static str,
    total: i64,
    /// Hours from the epoch of the test, each after the one before.
    placed: i64,
    steps: Vec<(i64, Step)>,
}

const EPOCH: &str = "2026-06-28T00:00:00Z";

fn hours(hours: i64) -> String {
    (at(EPOCH) + jiff::SignedDuration::from_hours(hours)).to_string()
}

pub fn step() -> impl Strategy<Value = Step> {
    let cents = 1i64..50_000;
    prop_oneof![
        4 => cents.clone().prop_map(Step::Pay),
        1 => cents.clone().prop_map(Step::Add),
        2 => cents.clone().prop_map(Step::TakeOff),
        2 => cents.clone().prop_map(Step::Refund),
        1 => cents.clone().prop_map(Step::GiveBack),
        2 => cents.clone().prop_map(Step::PayBack),
        1 => cents.prop_map(Step::Fee),
        1 => any::<bool>().prop_map(Step::Cancel),
    ]
}

pub fn life(steps: impl Strategy<Value = Step>) -> impl Strategy<Value = Life> {
    let steps = vec((1i64..900, steps), 0..7);
    let currencies = select(vec!["EUR", "EUR", "USD", "JPY", "KWD"]);
    (currencies, 0i64..100_000, 0i64..3_000, steps).prop_map(|(currency, total, placed, steps)| {
        let mut hour = placed;
        let after = |(gap, step): (i64, Step)| {
            hour += gap;
            (hour, step)
        };
        Life { currency, total, placed, steps: steps.into_iter().map(after).collect() }
    })
}

impl Life {
    /// The order as Shopify shows it at an hour, if it had been placed by then.
    fn seen_at(&self, number: u64, now: i64) -> Option<AccountOrder> {
        let digits = Money::zero(self.currency.parse().unwrap()).currency().decimals();
        let text = |units: i64| Decimal::new(units, digits).to_string();
        if now < self.placed {
            return None;
        }
        let mut order = order(number, &hours(self.placed), &text(self.total), self.currency);
        let (mut current, mut net, mut kept) = (self.total, 0, 0);
        for &(hour, step) in self.steps.iter().filter(|(hour, _)| *hour <= now) {
            let when = hours(hour);
            if order.cancelled_at.is_some() {
                break;
            }
            order = match step {
                Step::Pay(cents) => {
                    net += cents;
                    order.paid(&when, &text(cents))
                }
                Step::Add(cents) => {
                    current += cents;
                    let by = text(cents);
                    let order = order.change(|order| &mut order.total, &by);
                    order
                        .change(|order| &mut order.current_total, &by)
                        .change(|order| &mut order.outstanding, &by)
                }
                Step::TakeOff(cents) => {
                    let worth = cents.min(current);
                    current -= worth;
                    order.returned(&when, &text(worth), "0")
                }
                Step::Refund(cents) => {
                    let worth = cents.min(current).min(net);
                    (current, net) = (current - worth, net - worth);
                    order.returned(&when, &text(worth), &text(worth))
                }
                Step::GiveBack(cents) => {
                    let money = cents.min(net);
                    (net, kept) = (net - money, kept - money);
                    order
                        .returned(&when, "0", &text(money))
                        .change(|order| &mut order.refund_discrepancy, &text(-money))
                        .change(|order| &mut order.outstanding, &text(-money))
                }
                Step::PayBack(cents) => {
                    let money = cents.min(net - current - kept).min(net).max(0);
                    net -= money;
                    order.returned(&when, "0", &text(money))
                }
                Step::Fee(cents) => {
                    let worth = cents.min(current).min(net);
                    let money = worth / 2;
                    (current, net, kept) = (current - worth, net - money, kept + worth - money);
                    order
                        .returned(&when, &text(worth), &text(money))
                        .change(|order| &mut order.refund_discrepancy, &text(worth - money))
                        .change(|order| &mut order.outstanding, &text(worth - money))
                }
                Step::Cancel(refunded) => {
                    // a fee stays charged, what was given back is forgotten with the order
                    let fee = kept.clamp(0, net.max(0));
                    let money = if refunded { net - fee } else { 0 };
                    order
                        .cancelled(&when)
                        .returned(&when, &text(current), &text(money))
                        .change(|order| &mut order.refund_discrepancy, &text(fee - kept))
                        .change(|order| &mut order.outstanding, &text(fee - kept))
                }
            };
        }
        Some(order)
    }
}

pub fn account(lives: &[Life], now: i64) -> Vec<AccountOrder> {
    let orders = lives.iter().zip(1..).filter_map(|(life, number)| life.seen_at(number, now));
    orders.collect()
}

pub fn months() -> Vec<Period> {
    let first = |month: i8, year: i16| jiff::civil::date(year, month, 1);
    let months = [(2026, 6), (2026, 7), (2026, 8), (2026, 9), (2026, 10), (2026, 11), (2026, 12), (2027, 1)];
    let month = |(year, month): (i16, i8)| {
        let from = first(month, year);
        Period { name: from.to_string(), from, to: from.last_of_month() }
    };
    months.into_iter().map(month).collect()
}

/// The first hour after the month, in the shop's time.
pub fn hours_until(period: &Period, zone: &TimeZone) -> i64 {
    let midnight = period.to.tomorrow().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
    midnight.duration_since(at(EPOCH)).as_hours()
}

fn balances(orders: &[AccountOrder], period: &Period, zone: &TimeZone) -> Vec<(String, Money, Money)> {
    let all = statements(orders, None, period, zone).unwrap();
    all.iter().for_each(adds_up);
    all.iter().map(|it| (it.currency.to_string(), it.opening, it.closing)).collect()
}

fn balance(balances: &[(String, Money, Money)], currency: &str) -> (Decimal, Decimal) {
    let found = balances.iter().find(|(of, ..)| of == currency);
    found.map_or_else(Default::default, |(_, opening, closing)| (opening.amount(), closing.amount()))
}

const ZONES: [&str; 6] =
    ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo"];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "JPY", "KWD"];
pub const LATER: i64 = 24 * 400;

proptest! {
    /// The balance is the sum of its lines, each month begins where the one before ended, and at the end the
    /// balance of each currency is what Shopify says is outstanding in it.
    #[test]
    fn every_balance_is_the_sum_of_its_lines(lives in vec(life(step()), 0..12), zone_name in select(ZONES.to_vec())) {
        let zone = zone(zone_name);
        let orders = account(&lives, LATER);
        let mut closing = CURRENCIES.map(|currency| (currency, Decimal::ZERO));
        for period in months().into_iter().chain([period("2027-02-01", "2029-12-31")]) {
            let balances = balances(&orders, &period, &zone);
            for (currency, before) in &mut closing {
                let (opening, after) = balance(&balances, currency);
                prop_assert_eq!(opening, *before, "{} {}", period.name, currency);
                *before = after;
            }
        }
        for (currency, closing) in closing {
            let own = orders.iter().filter(|order| order.currency.to_string() == currency);
            prop_assert_eq!(closing, total(own.map(|order| order.outstanding)), "{}", currency);
        }
        let whole = statements(&orders, None, &period("2026-01-01", "2029-12-31"), &zone).unwrap();
        prop_assert!(whole.iter().all(|statement| statement.adjusted_orders == 0));
    }

    /// A statement stays true: made again later, a month ends with the balance that the next one begins with.
    /// For orders whose credits have one day each; see the table of `ledger`.
    #[test]
    fn the_next_months_statement_takes_up_the_balance(
        lives in vec(life(prop_oneof![(1i64..50_000).prop_map(Step::Pay), any::<bool>().prop_map(Step::Cancel)]), 1..8),
        taken_off in vec((1i64..900, 1i64..50_000), 8),
    ) {
        let zone = zone("Europe/Paris");
        let lives: Vec<_> = lives.into_iter().zip(taken_off).map(|(mut life, (after, cents))| {
            if !life.steps.iter().any(|(_, step)| matches!(step, Step::Cancel(_))) {
                let last = life.steps.last().map_or(life.placed, |(hour, _)| *hour);
                life.steps.push((last + after, Step::TakeOff(cents)));
            }
            life
        }).collect();
        let run = |period: &Period| balances(&account(&lives, hours_until(period, &zone)), period, &zone);
        for pair in months().windows(2) {
            let (this, next) = (run(&pair[0]), run(&pair[1]));
            for currency in CURRENCIES {
                // an order placed and cancelled within a month is on no statement of it
                prop_assert_eq!(balance(&this, currency).1, balance(&next, currency).0, "{} {}", &pair[1].name, currency);
            }
        }
    }

    /// Whatever the sums of an order are, in agreement with each other or not.
    #[test]
    fn contradictory_sums_still_add_up(
        amounts in vec((0i64..9_000, 0i64..9_000, -9_000i64..9_000, -900i64..900, any::<bool>(), any::<bool>()), 0..10),
    ) {
        let orders: Vec<_> = amounts.iter().zip(1..).map(|(&(total, current, outstanding, discrepancy, cancelled, paid), number)| {
            let money = |cents| Money::new(Decimal::new(cents, 2), "EUR".parse().unwrap());
            let mut order = order(number, &hours(number as i64 * 97), &Decimal::new(total, 2).to_string(), "EUR");
            if paid {
                order = order.paid(&hours(number as i64 * 150), "12.34").returned(&hours(number as i64 * 170), "1", "0.5");
            }
            if cancelled {
                order = order.cancelled(&hours(number as i64 * 200));
            }
            (order.current_total, order.outstanding, order.refund_discrepancy) = (money(current), money(outstanding), money(discrepancy));
            order
        }).collect();
        let zone = zone("America/New_York");
        let mut before = Decimal::ZERO;
        for period in months().into_iter().chain([period("2027-02-01", "2029-12-31")]) {
            let (opening, closing) = balance(&balances(&orders, &period, &zone), "EUR");
            prop_assert_eq!(opening, before);
            before = closing;
        }
        let comparable = orders.iter().filter(|order| order.cancelled_at.is_none() || !order.outstanding.amount().is_sign_positive());
        if comparable.count() == orders.len() {
            prop_assert_eq!(before, total(orders.iter().map(|order| order.outstanding)));
        }
    }
}
