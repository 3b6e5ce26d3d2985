//! A standard queue of SQS: in no order, at least once, hidden while worked on, given up after so many deliveries.

use super::random::Random;
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

/// Of a hundred messages, so many are delivered a second time while the first delivery is worked on, and so many
/// are delivered again although they were deleted.
const TWICE: f64 = 0.005;
const UNDELETED: f64 = 0.002;
/// A second delivery follows within this time.
const SOON: Duration = Duration::from_secs(2);

pub struct Queue {
    /// How long a delivery stays away that nobody says anything about.
    hidden: Duration,
    most_receives: u32,
    random: Random,
    next: u64,
    messages: HashMap<u64, Message>,
    pub dead: Vec<String>,
    /// Deliveries beyond one per message that the functions did not ask for.
    pub surplus: u64,
}

struct Message {
    body: String,
    sent: SystemTime,
    receives: u32,
    visible: Instant,
}

/// One delivery of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub message: u64,
    pub body: String,
    pub sent_epoch_ms: u128,
    pub receives: u32,
}

impl Queue {
    pub fn new(hidden: Duration, most_receives: u32, random: Random) -> Self {
        let (messages, dead) = (HashMap::new(), Vec::new());
        Self { hidden, most_receives, random, next: 0, messages, dead, surplus: 0 }
    }

    pub fn send(&mut self, body: String, now: Instant) {
        self.messages.insert(self.next, Message { body, sent: SystemTime::now(), receives: 0, visible: now });
        self.next += 1;
    }

    /// Up to `most` messages, once there are so many or the oldest has waited for `window`.
    pub fn receive(&mut self, most: usize, window: Duration, now: Instant) -> Vec<Delivery> {
        let visible = self.messages.iter().filter(|(_, message)| message.visible <= now);
        let mut ready: Vec<(u64, Instant)> = visible.map(|(id, message)| (*id, message.visible)).collect();
        let waited = ready.iter().any(|(_, since)| now.duration_since(*since) >= window);
        let mut deliveries = Vec::new();
        while !ready.is_empty()
            && deliveries.len() < most
            && (waited || ready.len() + deliveries.len() >= most)
        {
            let (id, _) = ready.swap_remove(self.random.below(ready.len()));
            deliveries.extend(self.hand_out(id, now));
        }
        deliveries
    }

    fn hand_out(&mut self, id: u64, now: Instant) -> Option<Delivery> {
        let message = self.messages.get_mut(&id)?;
        if message.receives >= self.most_receives {
            self.dead.extend(self.messages.remove(&id).map(|message| message.body));
            return None;
        }
        message.receives += 1;
        let twice = self.random.happens(TWICE);
        self.surplus += u64::from(twice);
        message.visible = now + if twice { self.random.up_to(SOON) } else { self.hidden };
        let sent = message.sent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (body, receives) = (message.body.clone(), message.receives);
        Some(Delivery { message: id, body, sent_epoch_ms: sent.as_millis(), receives })
    }

    pub fn delete(&mut self, id: u64, now: Instant) {
        if self.random.happens(UNDELETED) {
            self.surplus += 1;
            self.hide(id, self.random.up_to(SOON), now);
        } else {
            self.messages.remove(&id);
        }
    }

    /// Sets when a message is delivered again. Whether there is such a message.
    pub fn hide(&mut self, id: u64, time: Duration, now: Instant) -> bool {
        let found = self.messages.get_mut(&id);
        found.map(|message| message.visible = now + time).is_some()
    }

    /// Messages that wait or are worked on.
    pub fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: Duration = Duration::from_secs(60);

    fn queue(messages: usize, now: Instant) -> Queue {
        let mut queue = Queue::new(HIDDEN, 2, Random::new(7));
        (0..messages).for_each(|number| queue.send(number.to_string(), now));
        queue
    }

    #[test]
    fn what_nobody_answers_for_comes_back_and_is_given_up() {
        let now = Instant::now();
        let mut queue = queue(1, now);
        for receives in 1..=2 {
            let at = now + HIDDEN * receives;
            assert_eq!(queue.receive(10, Duration::ZERO, at)[0].receives, receives);
            assert_eq!(queue.receive(10, Duration::ZERO, at), []);
        }
        assert_eq!(queue.receive(10, Duration::ZERO, now + HIDDEN * 3), []);
        assert_eq!((queue.len(), queue.dead.len()), (0, 1));
    }

    #[test]
    fn a_batch_is_waited_for_as_long_as_the_window_says() {
        let (now, window) = (Instant::now(), Duration::from_secs(5));
        assert_eq!(queue(3, now).receive(4, window, now), []);
        assert_eq!(queue(3, now).receive(4, window, now + window).len(), 3);
        assert_eq!(queue(9, now).receive(4, window, now).len(), 4);
    }

    #[test]
    fn messages_come_in_no_order_and_some_come_again() {
        let now = Instant::now();
        let mut queue = queue(2000, now);
        let first = queue.receive(2000, Duration::ZERO, now);
        assert!(!first.is_sorted_by_key(|delivery| delivery.message));
        first.iter().for_each(|delivery| queue.delete(delivery.message, now));
        assert!(queue.surplus > 0);
        assert_eq!(queue.receive(10, Duration::ZERO, now + SOON).len(), queue.len());
        assert!(!queue.hide(5000, HIDDEN, now));
    }
}
