//! The first instructions. As PID 1 a signal without a handler is thrown away by the
//! kernel, also while libc begins: so all signals are blocked before that.
//!
//! The linker makes it the program's entry (`--entry`, in `init/build-static`). Built in
//! any other way, the program begins with libc and blocks signals in `main`.

use super::SignalMask;
use std::cell::UnsafeCell;

/// No mask that the kernel tells: SIGKILL can't be blocked.
const NOT_RUN: u64 = u64::MAX;

/// The mask that there was.
struct Inherited(UnsafeCell<u64>);

// SAFETY: written before there is a second thread, or anything of Rust at all.
unsafe impl Sync for Inherited {}

#[unsafe(no_mangle)]
static OCC_INIT_INHERITED_MASK: Inherited = Inherited(UnsafeCell::new(NOT_RUN));

/// The mask with which we were started, if all signals are blocked already.
pub(super) fn inherited_mask() -> Option<SignalMask> {
    // SAFETY: nobody writes to it any more. Volatile: the compiler knows of no write.
    let mask = unsafe { OCC_INIT_INHERITED_MASK.0.get().read_volatile() };
    (mask != NOT_RUN).then_some(SignalMask(mask))
}

// rt_sigprocmask(SIG_SETMASK, all, &inherited, 8), then libc's own entry, which finds
// registers and stack as the kernel left them. rdx holds what libc is to call at the
// end, if anything. As in C, a 0 stands for no such function in x0.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.occ_init_entry,\"ax\"",
    ".balign 8",
    ".Locc_init_all: .quad -1",
    ".globl occ_init_entry",
    ".type occ_init_entry,@function",
    "occ_init_entry:",
    "mov r12, rdx",
    "mov eax, 14",
    "mov edi, 2",
    "lea rsi, [rip + .Locc_init_all]",
    "lea rdx, [rip + OCC_INIT_INHERITED_MASK]",
    "mov r10d, 8",
    "syscall",
    "mov rdx, r12",
    "jmp _start",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".pushsection .text.occ_init_entry,\"ax\"",
    ".balign 8",
    ".Locc_init_all: .quad -1",
    ".globl occ_init_entry",
    ".type occ_init_entry,%function",
    "occ_init_entry:",
    "mov x19, x0",
    "mov x0, #2",
    "adrp x1, .Locc_init_all",
    "add x1, x1, :lo12:.Locc_init_all",
    "adrp x2, OCC_INIT_INHERITED_MASK",
    "add x2, x2, :lo12:OCC_INIT_INHERITED_MASK",
    "mov x3, #8",
    "mov x8, #135",
    "svc #0",
    "mov x0, x19",
    "b _start",
    ".popsection",
);
