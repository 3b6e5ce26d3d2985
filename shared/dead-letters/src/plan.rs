//! What a move would be about: how much there is, and of what was looked at, how much is meant, of which cause, shop and
//! reason. Looking moves nothing; what was looked at can be received again at once.

use crate::{Batches, Choice, DeadLetterError, Letter};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Plan {
    /// Messages that were looked at.
    pub looked_at: usize,
    /// Of these, the ones that are meant, as they came.
    pub meant: Vec<Letter>,
}

impl Plan {
    /// How many of the messages that are meant are alike, the most first.
    pub fn counts(&self, alike: impl Fn(&Letter) -> String) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for letter in &self.meant {
            *counts.entry(alike(letter)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}

/// Looks at messages until there are no more, or about `most` were looked at.
///
/// # Errors
/// When SQS does not answer. What was received can be received again at once all the same.
pub async fn look(mut batches: Batches<'_>, choice: &Choice, most: usize) -> Result<Plan, DeadLetterError> {
    let mut plan = Plan::default();
    let looked = plan.look(&mut batches, choice, most).await;
    batches.show_again().await;
    looked.map(|()| plan)
}

impl Plan {
    async fn look(
        &mut self,
        batches: &mut Batches<'_>,
        choice: &Choice,
        most: usize,
    ) -> Result<(), DeadLetterError> {
        while self.looked_at < most
            && let Some(batch) = batches.next().await?
        {
            self.looked_at += batch.len();
            self.meant.extend(batch.into_iter().map(|it| it.letter).filter(|letter| choice.takes(letter)));
        }
        Ok(())
    }
}
