//! The step in Core Messaging: whether it takes the credentials of each channel in use.

use super::{Examination, Finding, Step, TIME, Verdict, exstream::no_token};
use comms::MessageClass;
use exstream::{Budget, TokenCall};
use jiff::Timestamp;
use shop_config::{Channel, Token};

impl Examination<'_> {
    pub(super) async fn look_at_messaging(&mut self) -> Vec<Finding> {
        const STEP: Step = Step::CoreMessaging;
        let (Some(config), Some(secrets)) = (&self.config, &self.secrets) else {
            return vec![Finding::after(STEP, "configuration and secret")];
        };
        let documents = || config.documents.values().filter(|settings| settings.enabled);
        let mut found = Vec::new();
        for (channel, section) in
            [(Channel::Email, "email"), (Channel::Sms, "sms"), (Channel::WhatsApp, "whatsapp")]
        {
            if !documents().any(|settings| settings.channels.contains(&channel)) {
                continue;
            }
            let Some(settings) = config.delivery.messaging(channel, MessageClass::Transactional) else {
                continue;
            };
            let finding = match settings.token {
                Token::Basic | Token::None => Finding::new(
                    STEP,
                    Verdict::NotChecked,
                    "no token is asked for, so only a message would show it",
                ),
                token => {
                    let call = TokenCall {
                        shop: self.shop,
                        token,
                        credentials: secrets.messaging(channel),
                        now: Timestamp::now(),
                        budget: Budget::new(TIME),
                    };
                    match self.tokens.get(call).await {
                        Ok(_) => Finding::ok(STEP, "the token service takes the credentials"),
                        Err(error) => no_token(STEP, &error, section),
                    }
                }
            };
            found.push(finding.of(section));
        }
        if found.is_empty() {
            found.push(Finding::new(STEP, Verdict::NotNeeded, "no document is sent by it"));
        }
        found
    }
}
