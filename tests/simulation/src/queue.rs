//! SQS: messages are visible, hidden or in a function's hands. What comes back `max_receive_count` times is a
//! dead letter. Beyond 120,000 in flight, hidden ones included, nothing is handed out.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
pub const MOST_IN_FLIGHT: usize = 120_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    pub id: u32,
    pub receives: u32,
    sent_ms: u32,
}

pub struct Queue {
    max_receive_count: u32,
    epoch: Instant,
    visible: RefCell<VecDeque<Message>>,
    hidden: RefCell<BinaryHeap<Reverse<(u32, Message)>>>,
    in_hand: Cell<usize>,
    next_id: Cell<u32>,
    closed: Cell<bool>,
    changed: Notify,
    tally: RefCell<Tally>,
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
    pub fn new(max_receive_count: u32) -> Self {
        Self {
            max_receive_count,
            epoch: Instant::now(),
            visible: RefCell::default(),
            hidden: RefCell::default(),
            in_hand: Cell::new(0),
            next_id: Cell::new(0),
            closed: Cell::new(false),
            changed: Notify::new(),
            tally: RefCell::default(),
        }
    }

    pub fn send(&self, count: usize) {
        let sent_ms = self.now_ms();
        let first = self.next_id.get();
        let last = first + count as u32;
        self.next_id.set(last);
        self.visible.borrow_mut().extend((first..last).map(|id| Message { id, receives: 0, sent_ms }));
        let mut tally = self.tally.borrow_mut();
        tally.sent += count as u64;
        tally.peak_backlog = tally.peak_backlog.max(self.visible.borrow().len());
        self.changed.notify_one();
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
        let mut visible = self.visible.borrow_mut();
        let in_flight = self.in_hand.get() + self.hidden.borrow().len();
        let oldest = visible.front()?;
        let waited = self.now_ms().saturating_sub(oldest.sent_ms);
        let collected =
            visible.len() >= batch || self.closed.get() || u128::from(waited) >= window.as_millis();
        let count = batch.min(visible.len()).min(MOST_IN_FLIGHT.saturating_sub(in_flight));
        if !collected || count == 0 {
            return None;
        }
        let messages: Vec<_> =
            visible.drain(..count).map(|it| Message { receives: it.receives + 1, ..it }).collect();
        self.in_hand.set(self.in_hand.get() + count);
        let mut tally = self.tally.borrow_mut();
        tally.again += messages.iter().filter(|message| message.receives == 2).count() as u64;
        tally.peak_in_flight = tally.peak_in_flight.max(in_flight + count);
        Some(messages)
    }

    /// When there may be something to receive that is not there now.
    pub fn wake_at(&self, window: Duration) -> Option<Instant> {
        let uncovered = self.hidden.borrow().peek().map(|Reverse((due_ms, _))| *due_ms);
        let collected = self.visible.borrow().front().map(|it| it.sent_ms + window.as_millis() as u32);
        let at = uncovered.into_iter().chain(collected.filter(|at| *at > self.now_ms())).min()?;
        Some(self.epoch + Duration::from_millis(at.into()))
    }

    pub fn delete(&self, message: Message) {
        self.in_hand.set(self.in_hand.get() - 1);
        self.end(message, |tally| tally.done += 1);
    }

    /// The message is visible again after `delay`: to the function, or, where that was its last delivery, to nobody.
    pub fn hide(&self, message: Message, delay: Duration) {
        self.in_hand.set(self.in_hand.get() - 1);
        // whole seconds, as a visibility time-out is given in
        let due_ms = self.now_ms() + (delay.as_millis().div_ceil(1000) * 1000) as u32;
        self.hidden.borrow_mut().push(Reverse((due_ms, message)));
    }

    pub fn is_over(&self) -> bool {
        self.closed.get()
            && self.in_hand.get() == 0
            && self.visible.borrow().is_empty()
            && self.hidden.borrow().is_empty()
    }

    pub fn tally(&self) -> Tally {
        *self.tally.borrow()
    }

    fn uncover(&self) {
        let now = self.now_ms();
        let mut hidden = self.hidden.borrow_mut();
        while let Some(Reverse((due_ms, message))) = hidden.peek().copied()
            && due_ms <= now
        {
            hidden.pop();
            if message.receives >= self.max_receive_count {
                self.end(message, |tally| tally.dead += 1);
            } else {
                self.visible.borrow_mut().push_back(message);
            }
        }
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
