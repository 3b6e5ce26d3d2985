//! SQS: messages are visible, hidden or in a function's hands. What comes back `max_receive_count` times is a
//! dead letter. Beyond 120,000 in flight, hidden ones included, nothing is handed out.
//!
//! Where messages name their shop as their group, a shop with more than a tenth of what is in flight, and at least 30
//! messages of it, is noisy: what the others have waiting is handed out first.
//! docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    iter,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use work::Record;

/// docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
pub const MOST_IN_FLIGHT: usize = 120_000;

const NOISY_SHARE: f64 = 0.1;
const NOISY_MESSAGES: usize = 30;

/// The shops that have messages in a queue.
#[derive(Debug, Clone, Copy)]
pub struct Tenants {
    /// Messages are of all shops in turn, unless they are sent as one shop's.
    pub shops: usize,
    /// Whether messages name their shop as their group.
    pub fair: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    pub id: u32,
    pub receives: u32,
    sent_ms: u32,
}

pub struct Queue {
    max_receive_count: u32,
    tenants: Tenants,
    epoch: Instant,
    /// By group; all in one where messages have none. With the order in which they became visible.
    visible: RefCell<Vec<VecDeque<(u64, Message)>>>,
    uncovered: Cell<u64>,
    hidden: RefCell<BinaryHeap<Reverse<(u32, Message)>>>,
    /// By group, in a function's hands or hidden.
    in_flight: RefCell<Vec<usize>>,
    next_id: Cell<u32>,
    closed: Cell<bool>,
    changed: Notify,
    tally: RefCell<Tally>,
    /// Of several shops: when each message of the last one was sent, and how long those took that are done.
    watched: RefCell<BTreeMap<u32, u32>>,
    waits: RefCell<Vec<Duration>>,
}

/// What is counted of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub sent: u64,
    pub done: u64,
    /// Messages that were received more than once.
    pub again: u64,
    pub dead: u64,
    pub peak_in_flight: usize,
    pub peak_backlog: usize,
    pub longest_wait: Duration,
    /// When the last message ended that had waited for more than a minute.
    pub late_until: Duration,
    pub last: Duration,
}

impl Queue {
    pub fn new(max_receive_count: u32, tenants: Tenants) -> Self {
        let groups = if tenants.fair { tenants.shops } else { 1 };
        Self {
            max_receive_count,
            tenants,
            epoch: Instant::now(),
            visible: RefCell::new(vec![VecDeque::new(); groups]),
            uncovered: Cell::new(0),
            hidden: RefCell::default(),
            in_flight: RefCell::new(vec![0; groups]),
            next_id: Cell::new(0),
            closed: Cell::new(false),
            changed: Notify::new(),
            tally: RefCell::default(),
            watched: RefCell::default(),
            waits: RefCell::default(),
        }
    }

    /// Sends messages of all shops in turn.
    pub fn send(&self, count: usize) {
        let first = self.next_id.get();
        self.put(count, first, 1);
    }

    /// Sends messages of one shop.
    pub fn send_of(&self, shop: usize, count: usize) {
        let shops = self.tenants.shops as u32;
        let first = self.next_id.get().next_multiple_of(shops) + shop as u32;
        self.put(count, first, shops);
    }

    fn put(&self, count: usize, first: u32, step: u32) {
        let sent_ms = self.now_ms();
        for id in (first..).step_by(step as usize).take(count) {
            let message = Message { id, receives: 0, sent_ms };
            if self.tenants.shops > 1 && self.shop_of(message) + 1 == self.tenants.shops {
                self.watched.borrow_mut().insert(id, sent_ms);
            }
            self.show(message);
        }
        self.next_id.set(first + step * count as u32);
        let mut tally = self.tally.borrow_mut();
        tally.sent += count as u64;
        tally.peak_backlog = tally.peak_backlog.max(self.waiting());
        self.changed.notify_one();
    }

    fn show(&self, message: Message) {
        let order = self.uncovered.replace(self.uncovered.get() + 1);
        self.visible.borrow_mut()[self.group_of(message)].push_back((order, message));
    }

    fn shop_of(&self, message: Message) -> usize {
        message.id as usize % self.tenants.shops
    }

    fn group_of(&self, message: Message) -> usize {
        if self.tenants.fair { self.shop_of(message) } else { 0 }
    }

    /// Messages that can be received.
    fn waiting(&self) -> usize {
        self.visible.borrow().iter().map(VecDeque::len).sum()
    }

    /// Messages in a function's hands, and hidden ones.
    fn in_flight(&self) -> usize {
        self.in_flight.borrow().iter().sum()
    }

    /// The message that has been visible for longest.
    fn oldest(&self) -> Option<Message> {
        let visible = self.visible.borrow();
        visible
            .iter()
            .filter_map(VecDeque::front)
            .min_by_key(|(order, _)| *order)
            .map(|(_, message)| *message)
    }

    /// The next message: of a quiet shop first, then what has been visible for longest.
    fn take(&self) -> Option<Message> {
        let (mut visible, mut in_flight) = (self.visible.borrow_mut(), self.in_flight.borrow_mut());
        let all: usize = in_flight.iter().sum();
        let is_noisy = |group: usize| {
            in_flight[group] >= NOISY_MESSAGES && in_flight[group] as f64 > NOISY_SHARE * all as f64
        };
        let waiting = visible.iter().enumerate().filter_map(|(group, it)| Some((group, it.front()?.0)));
        let (group, _) = waiting.min_by_key(|(group, order)| (is_noisy(*group), *order))?;
        in_flight[group] += 1;
        visible[group].pop_front().map(|(_, message)| message)
    }

    /// Nothing more will be sent.
    pub fn close(&self) {
        self.closed.set(true);
        self.changed.notify_one();
    }

    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A batch, if there is a full one or what there is has waited for `window`.
    pub fn receive(&self, batch: usize, window: Duration) -> Option<Vec<Message>> {
        self.uncover();
        let in_flight = self.in_flight();
        let (oldest, waiting) = (self.oldest()?, self.waiting());
        let waited = self.now_ms().saturating_sub(oldest.sent_ms);
        let collected = waiting >= batch || self.closed.get() || u128::from(waited) >= window.as_millis();
        let count = batch.min(waiting).min(MOST_IN_FLIGHT.saturating_sub(in_flight));
        if !collected || count == 0 {
            return None;
        }
        let next = iter::from_fn(|| self.take()).take(count);
        let messages: Vec<_> = next.map(|it| Message { receives: it.receives + 1, ..it }).collect();
        let mut tally = self.tally.borrow_mut();
        tally.again += messages.iter().filter(|message| message.receives == 2).count() as u64;
        tally.peak_in_flight = tally.peak_in_flight.max(in_flight + count);
        Some(messages)
    }

    /// When there may be something to receive that is not there now.
    pub fn wake_at(&self, window: Duration) -> Option<Instant> {
        let uncovered = self.hidden.borrow().peek().map(|Reverse((due_ms, _))| *due_ms);
        let collected = self.oldest().map(|it| it.sent_ms + window.as_millis() as u32);
        let at = uncovered.into_iter().chain(collected.filter(|at| *at > self.now_ms())).min()?;
        Some(self.epoch + Duration::from_millis(at.into()))
    }

    pub fn delete(&self, message: Message) {
        self.land(message);
        self.end(message, |tally| tally.done += 1);
    }

    /// The message is visible again after `delay`: to the function, or, where that was its last delivery, to nobody.
    pub fn hide(&self, message: Message, delay: Duration) {
        // whole seconds, as a visibility time-out is given in
        let due_ms = self.now_ms() + (delay.as_millis().div_ceil(1000) * 1000) as u32;
        self.hidden.borrow_mut().push(Reverse((due_ms, message)));
    }

    /// The function puts it among the dead letters.
    pub fn give_up(&self, message: Message) {
        self.land(message);
        self.end(message, |tally| tally.dead += 1);
    }

    pub fn age(&self, message: Message) -> Duration {
        Duration::from_millis((self.now_ms() - message.sent_ms).into())
    }

    pub fn is_over(&self) -> bool {
        self.closed.get() && self.in_flight() == 0 && self.waiting() == 0
    }

    pub fn tally(&self) -> Tally {
        *self.tally.borrow()
    }

    /// What the message asked for is done, though perhaps not yet its batch.
    pub fn note_done(&self, record: &Record) {
        let sent = record.message_id.parse().ok().and_then(|id: u32| self.watched.borrow_mut().remove(&id));
        let wait = sent.map(|sent_ms| Duration::from_millis((self.now_ms() - sent_ms).into()));
        self.waits.borrow_mut().extend(wait);
    }

    /// The time within which 95 of 100 messages of the last shop were done.
    pub fn wait_of_last_shop(&self) -> Duration {
        let mut waits = self.waits.borrow().clone();
        waits.sort_unstable();
        waits.get(waits.len() * 95 / 100).copied().unwrap_or_default()
    }

    fn uncover(&self) {
        let now = self.now_ms();
        let mut hidden = self.hidden.borrow_mut();
        while let Some(Reverse((due_ms, message))) = hidden.peek().copied()
            && due_ms <= now
        {
            hidden.pop();
            self.land(message);
            if message.receives >= self.max_receive_count {
                self.end(message, |tally| tally.dead += 1);
            } else {
                self.show(message);
            }
        }
    }

    /// The message is in flight no more.
    fn land(&self, message: Message) {
        self.in_flight.borrow_mut()[self.group_of(message)] -= 1;
    }

    fn end(&self, message: Message, count: impl Fn(&mut Tally)) {
        let now_ms = self.now_ms();
        let now = Duration::from_millis(now_ms.into());
        let wait = Duration::from_millis((now_ms - message.sent_ms).into());
        let mut tally = self.tally.borrow_mut();
        count(&mut tally);
        tally.last = now;
        tally.longest_wait = tally.longest_wait.max(wait);
        if wait > Duration::from_secs(60) {
            tally.late_until = now;
        }
    }

    fn now_ms(&self) -> u32 {
        self.epoch.elapsed().as_millis() as u32
    }
}
