//! Whether the kernel's clock follows a time server.

/// What `adjtimex(2)` says: `Some(false)` for an unsynchronised clock, `None` where the kernel does not tell (no permission, no support).
pub(crate) fn synchronised() -> Option<bool> {
    let mut state = std::mem::MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: `timex` is a C struct of integers, for which all zeros is a value; `modes` = 0 makes the call only read the clock's state.
    // The pointer is to a live local of that type, which the kernel fills; it keeps no reference to it.
    #[expect(unsafe_code, reason = "neither std nor rustix offers adjtimex; the proof stands above")]
    let answer = unsafe { libc::adjtimex(state.as_mut_ptr()) };
    match answer {
        -1 => None,
        answer => Some(answer != libc::TIME_ERROR),
    }
}
