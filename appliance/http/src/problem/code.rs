//! The machine-readable names of refusals (`code` of a problem), each with its meaning. The contract lists them all.

/// Makes the enumeration, its names, kinds, titles and meanings from one table.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $code:ident = $name:literal, $kind:literal, $title:literal;)+) => {
        /// Why a request was refused, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(dead_code, reason = "the table of the contract; resources take what they need")]
        pub(crate) enum Code {
            $($(#[doc = $meaning])+ $code,)+
        }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &[Self] = &[$(Self::$code,)+];

            /// The value of `code`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)+ }
            }

            /// The value of `type`.
            pub(crate) const fn kind(self) -> &'static str {
                match self { $(Self::$code => concat!("/problems/", $kind),)+ }
            }

            /// The value of `title`.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)+ }
            }

            /// What it means, in a sentence.
            pub(crate) const fn meaning(self) -> &'static str {
                match self { $(Self::$code => concat!($($meaning),+),)+ }
            }
        }
    };
}

codes! {
    /// 400. Query, path or body cannot be read at all.
    Unreadable = "unreadable_request", "unreadable-request", "The request cannot be read";
    /// 401. No valid access token came with the request.
    Unauthorized = "unauthorized", "unauthorized", "Sign in first";
    /// 401. User name, password or second factor is wrong (which of them is not told).
    InvalidCredentials = "invalid_credentials", "invalid-credentials", "Invalid credentials or authentication code";
    /// 403. The password was right; a code of the second factor is needed (X-TOTP-Required: true).
    TotpRequired = "totp_required", "totp-required", "A second factor is needed";
    /// 403. The account is disabled.
    AccountDisabled = "account_disabled", "account-disabled", "The account is disabled";
    /// 403. The caller's role does not allow it, or the object is somebody else's.
    Forbidden = "forbidden", "forbidden", "Not allowed";
    /// 403. Not from this address.
    LocalOnly = "local_only", "local-only", "Not from this address";
    /// 404. The report has no PDF yet.
    ReportNotReady = "report_not_ready", "report-not-ready", "The report is not ready";
    /// 409. What is asked does not fit the state of things.
    Conflict = "conflict", "conflict", "Not in this state";
    /// 409. The same study was uploaded within the last 30 days; upload_id, uploaded_at and uploaded_by say which, force_upload sends it anyway.
    DuplicateStudy = "DUPLICATE_STUDY", "duplicate-study", "This study was uploaded before";
    /// 409. Other bytes are there already under the same chunk index.
    ChunkDiffers = "chunk_differs", "chunk-differs", "Other bytes are there already";
    /// 409. Chunks are missing; missing names them.
    Incomplete = "incomplete", "incomplete", "Chunks are missing";
    /// 409. It is in the configuration file, which is changed on the box only.
    ReadOnly = "read_only", "read-only", "It is in the configuration file";
    /// 409. The name is taken.
    Taken = "taken", "taken", "The name is taken";
    /// 409. Work is queued for it.
    InUse = "in_use", "in-use", "Work is queued for it";
    /// 413. The body is larger than this path takes.
    TooLarge = "payload_too_large", "payload-too-large", "The body is too large";
    /// 422. A field does not say what it must; errors names each.
    Invalid = "invalid_request", "invalid-request", "The request does not say what it must";
    /// 422. The bytes do not match their checksum.
    ChecksumMismatch = "checksum_mismatch", "checksum-mismatch", "The bytes do not match their checksum";
    /// 429. Too many requests; Retry-After says when to come back.
    RateLimited = "rate_limited", "rate-limited", "Too many requests";
    /// 503. Not now; Retry-After says when to come back.
    Unavailable = "unavailable", "unavailable", "Not now";
    /// 507. The disk reserve is reached; room is made as studies leave.
    DiskFull = "disk_full", "disk-full", "The box is full";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_kinds_are_distinct() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        let kinds: BTreeSet<_> = Code::ALL.iter().map(|code| code.kind()).collect();
        assert_eq!((names.len(), kinds.len()), (Code::ALL.len(), Code::ALL.len()));
        assert!(Code::ALL.iter().all(|code| code.meaning().trim().as_bytes()[0] == b'4' || code.meaning().trim().as_bytes()[0] == b'5'));
    }
}
