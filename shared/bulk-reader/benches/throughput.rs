//! MB/s and peak memory of reading 50 and 200 MB, grouped and not: `cargo bench -p bulk-reader`.
//!
//! Makes its files itself, in the temporary folder, and removes them. Each case runs in a process of its own,
//! whose peak memory is the kernel's `VmHWM`. All work is on one thread. The time of a case includes reading
//! the file from the page cache and, where it is not grouped, writing and reading the partition. `items` also
//! makes the text of a message's payload of each account and checks it with a JSON parser, as a sender does.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a program for people")]

use bulk_reader::{Buckets, Group, Groups, Limits, Mark, Partition, Survey};
use serde_json::value::RawValue;
use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Read, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

const ORDERS: u64 = 40;
/// What an HTTP client hands on at once, or less.
const CHUNK: usize = 64 * 1024;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, file, case] = &arguments[..]
        && case != "--bench"
    {
        return run(Path::new(file), case);
    }
    println!(
        "{:<10} {:<14} {:>9} {:>10} {:>9} {:>11}",
        "file", "case", "accounts", "seconds", "MB/s", "peak MB"
    );
    for megabytes in [50, 200] {
        for grouped in [true, false] {
            let file = env::temp_dir().join(format!("bulk-reader-bench-{}.jsonl", std::process::id()));
            generate(&file, megabytes * 1_000_000, grouped);
            let cases: &[&str] =
                if grouped { &["survey", "grouped", "items"] } else { &["survey", "ungrouped"] };
            for case in cases {
                let output = Command::new(env::current_exe().unwrap()).arg(&file).arg(case).output().unwrap();
                assert!(output.status.success(), "{output:?}");
                print!("{:<10} {}", format!("{megabytes} MB"), String::from_utf8(output.stdout).unwrap());
            }
            fs::remove_file(file).unwrap();
        }
    }
}

fn run(path: &Path, case: &str) {
    let bytes = fs::metadata(path).unwrap().len();
    let begun = Instant::now();
    let accounts = match case {
        "survey" => survey(path),
        "grouped" => survey(path).min(grouped(path, |group| group.count)),
        "items" => survey(path).min(grouped(path, |group| item(&group))),
        _ => ungrouped(path),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let rate = bytes as f64 / 1e6 / seconds;
    let name = match case {
        "grouped" => "survey + read",
        "items" => "… + items",
        other => other,
    };
    println!("{name:<14} {accounts:>9} {seconds:>10.3} {rate:>9.0} {:>11.1}", peak());
}

fn each_chunk(path: &Path, mut feed: impl FnMut(&[u8])) {
    let mut file = File::open(path).unwrap();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return,
            read => feed(&buffer[..read]),
        }
    }
}

fn survey(path: &Path) -> u64 {
    let mut survey = Survey::new(Limits::default());
    each_chunk(path, |chunk| survey.feed(chunk).unwrap());
    survey.counts().0
}

fn grouped(path: &Path, mut each: impl FnMut(Group) -> u64) -> u64 {
    let mut groups = Groups::new(Mark::default(), Limits::default());
    let (mut accounts, mut children) = (0, 0);
    let mut take = |groups: &mut Groups| {
        while let Some(group) = groups.pop() {
            accounts += 1;
            children += each(group);
        }
    };
    each_chunk(path, |chunk| {
        groups.feed(chunk).unwrap();
        take(&mut groups);
    });
    groups.end().unwrap();
    take(&mut groups);
    assert_eq!(children, accounts * ORDERS);
    accounts
}

fn item(group: &Group) -> u64 {
    let text = [b"{\"account\":", &group.root[..], b",\"orders\":[", &group.children[..], b"]}"].concat();
    let item = RawValue::from_string(String::from_utf8(text).unwrap()).unwrap();
    assert!(item.get().len() > 2);
    group.count
}

fn ungrouped(path: &Path) -> u64 {
    let folder = path.with_extension("buckets");
    let mut partition = Partition::create(&folder, Limits::default()).unwrap();
    each_chunk(path, |chunk| partition.feed(chunk).unwrap());
    let mut buckets: Buckets = partition.end().unwrap();
    let (mut accounts, mut children) = (0, 0);
    while let Some(group) = buckets.pop().unwrap() {
        accounts += 1;
        children += group.count;
    }
    assert_eq!((children, buckets.orphans()), (accounts * ORDERS, 0));
    accounts
}

/// Megabytes.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e3
}

/// Accounts with [`ORDERS`] orders each; if not `grouped`, all accounts before all orders, and the orders of
/// different accounts in turn.
fn generate(path: &PathBuf, bytes: usize, grouped: bool) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let order_length = order(1, 1).len();
    let accounts = bytes as u64 / (order_length as u64 * ORDERS + root(1).len() as u64);
    if grouped {
        for account in 0..accounts {
            file.write_all(root(account).as_bytes()).unwrap();
            (0..ORDERS).for_each(|index| file.write_all(order(account, index).as_bytes()).unwrap());
        }
    } else {
        (0..accounts).for_each(|account| file.write_all(root(account).as_bytes()).unwrap());
        for index in 0..ORDERS {
            (0..accounts).for_each(|account| file.write_all(order(account, index).as_bytes()).unwrap());
        }
    }
    file.flush().unwrap();
}

fn root(account: u64) -> String {
    format!(
        "{{\"id\":\"gid://shopify/CompanyLocation/{0}\",\"name\":\"Location {0} Zürich\",\"externalId\":\"C-{0}\",\
         \"company\":{{\"id\":\"gid://shopify/Company/{0}\",\"name\":\"Northwind {0} \\\"Trading\\\" Ltd\"}}}}\n",
        5_000_000_000 + account
    )
}

fn order(account: u64, index: u64) -> String {
    let number = account * ORDERS + index;
    let mut line = format!(
        "{{\"id\":\"gid://shopify/Order/{}\",\"name\":\"#{number}\",\"poNumber\":\"PO \\\"{number}\\\"\",\
         \"processedAt\":\"2026-10-{:02}T09:00:00Z\",\"cancelledAt\":null",
        7_000_000_000_000 + number,
        number % 28 + 1
    );
    for name in ["totalPriceSet", "totalReceivedSet", "totalRefundedSet", "totalOutstandingSet"] {
        let amount = number % 9973;
        write!(line, ",\"{name}\":{{\"shopMoney\":{{\"amount\":\"{amount}.50\",\"currencyCode\":\"EUR\"}}}}")
            .unwrap();
    }
    writeln!(
        line,
        ",\"transactions\":[{{\"id\":\"gid://shopify/OrderTransaction/{number}\",\"kind\":\"SALE\",\"status\":\"SUCCESS\",\
         \"amountSet\":{{\"shopMoney\":{{\"amount\":\"{number}.50\",\"currencyCode\":\"EUR\"}}}}}}]\
         ,\"__parentId\":\"gid://shopify/CompanyLocation/{}\"}}",
        5_000_000_000 + account
    )
    .unwrap();
    line
}
