//! C-ECHO, step by step.

use std::{future::Future, time::Instant};

use relaypacs_domain::Uid;

use super::{
    EchoReport, EchoStep, ScuError, ScuOptions,
    association::{Associated, connect, resolve},
};
use crate::{association::negotiation::VERIFICATION, dimse::command::echo_request};

/// The steps in order.
pub(super) const STEPS: [&str; 4] = ["dns", "tcp", "association", "echo"];

const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";

/// C-ECHO: how long each step took, and which failed first. Takes at most `2 × connect_timeout + 4 × timeout`.
pub async fn echo(options: &ScuOptions) -> EchoReport {
    let mut report = EchoReport::default();
    if let Some(associated) = run(options, &mut report).await {
        associated.release().await;
    }
    report
}

async fn run(options: &ScuOptions, report: &mut EchoReport) -> Option<Associated> {
    let addresses = report.step("dns", resolve(options), |_| None).await?;
    let stream = report.step("tcp", connect(options, &addresses), |_| None).await?;
    let associate = async {
        let uid = |text: &str| text.parse::<Uid>().map_err(|error| ScuError::at("association", error.to_string()));
        let verification = uid(VERIFICATION)?;
        let associated = Associated::request(stream, options, &[(verification.clone(), uid(IMPLICIT_LITTLE_ENDIAN)?)]).await?;
        Ok((associated, verification))
    };
    let implementation = |(associated, _): &(Associated, Uid)| associated.implementation.clone();
    let (mut associated, verification) = report.step("association", associate, implementation).await?;
    let ping = async {
        let context = associated.context(0).ok_or_else(|| ScuError::at("echo", "the peer does not accept Verification"))?;
        let message_id = associated.next_message_id();
        associated.put_command(context, &echo_request(message_id, &verification));
        associated.write("echo").await?;
        match associated.answer("echo", message_id).await?.status {
            Some(0) => Ok(()),
            status => Err(ScuError::at("echo", format!("status {:04X}", status.unwrap_or_default()))),
        }
    };
    report.step("echo", ping, |()| None).await;
    Some(associated)
}

impl EchoReport {
    /// Times a step and notes how it went. `None`: it failed.
    async fn step<V>(
        &mut self,
        step: &'static str,
        work: impl Future<Output = Result<V, ScuError>>,
        detail: impl Fn(&V) -> Option<String>,
    ) -> Option<V> {
        let began = Instant::now();
        let result = work.await;
        let took = began.elapsed();
        let detail = match &result {
            Ok(value) => detail(value),
            Err(ScuError::Association { detail, .. }) => Some(detail.clone()),
        };
        self.steps.push(EchoStep { step, ok: result.is_ok(), took, detail });
        result.ok()
    }
}
