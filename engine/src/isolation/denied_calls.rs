//! The system calls that a session is refused (seccomp).
//!
//! A list of what is denied, not of what is allowed: codec libraries and the C library differ between
//! systems in which harmless calls they make, and a call that nobody listed would end a channel. Denied
//! calls answer EPERM, as for a user without the right, so that nothing ends that only tried.
//!
//! Files are landlock's. The calls about them stand here again for kernels without it, and because
//! landlock does not know owners, modes and times.

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, sock_filter,
};
use std::collections::BTreeMap;

/// No connection is made or taken. What is open can be written, read and closed.
const NETWORK: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// No program is started and no other process is looked into or signalled. `clone` is judged by its
/// flags, `tgkill` by its target: both are also a thread's.
const PROCESSES: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
];

/// Nothing in a file system changes. Opening is judged by its flags.
const FILES: &[c_long] = &[
    libc::SYS_truncate,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
];

/// The machine and the kernel stay as they are. `io_uring` makes calls that no filter sees.
const MACHINE: &[c_long] = &[
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
];

/// Calls that newer processors' kernels do not have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_creat,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
];
#[cfg(target_arch = "aarch64")]
const OLDER: &[c_long] = &[libc::SYS_renameat, libc::SYS_kexec_file_load];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OLDER: &[c_long] = &[];

/// Calls that take their flags from memory, where a filter cannot look. The C library goes on with the
/// older call when it is told that there is no such call.
const UNREADABLE: &[c_long] = &[libc::SYS_clone3, libc::SYS_openat2];

/// From here on stand the numbers of the x32 calls: the same calls again, past every number above.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// Installs the filters on the calling thread, for it and all that it starts.
///
/// # Errors
/// A sentence for people: this kernel or processor has no such filters.
pub(super) fn deny() -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| format!("not for {} processors", std::env::consts::ARCH))?;
    let whole =
        |calls: &[&[c_long]]| calls.iter().copied().flatten().map(|&call| (call, Vec::new())).collect();
    let mut denied: BTreeMap<c_long, Vec<SeccompRule>> = whole(&[NETWORK, PROCESSES, FILES, MACHINE, OLDER]);
    let own = u64::from(std::process::id());
    let partly = [
        // A thread shares its process, which a new process never does.
        (libc::SYS_clone, vec![masked(0, libc::CLONE_THREAD, 0)]),
        (libc::SYS_tgkill, vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)]),
        (libc::SYS_openat, to_write(2)),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, to_write(1)),
    ];
    for (call, conditions) in partly {
        // Any of the conditions is enough.
        let rules = conditions.into_iter().map(|condition| SeccompRule::new(vec![condition?]));
        denied.insert(call, rules.collect::<Result<_, _>>().map_err(|e| e.to_string())?);
    }
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    for (calls, answer) in [(denied, errno(libc::EPERM)), (whole(&[UNREADABLE]), errno(libc::ENOSYS))] {
        let program: BpfProgram = SeccompFilter::new(calls, SeccompAction::Allow, answer, arch)
            .and_then(BpfProgram::try_from)
            .map_err(|e| e.to_string())?;
        apply_filter(&program).map_err(|e| e.to_string())?;
    }
    #[cfg(target_arch = "x86_64")]
    apply_filter(&no_x32()).map_err(|e| e.to_string())?;
    Ok(())
}

type Condition = Result<SeccompCondition, seccompiler::BackendError>;

/// Holds when the bits of `mask` in an argument are `value`.
fn masked(argument: u8, mask: i32, value: i32) -> Condition {
    let bits = |number: i32| u64::from(number.unsigned_abs());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits(mask)), bits(value))
}

/// Hold when the flags of an opening change a file or make one.
fn to_write(argument: u8) -> Vec<Condition> {
    [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC]
        .into_iter()
        .map(|bit| masked(argument, bit, bit))
        .collect()
}

/// Refuses all x32 calls, as a kernel without them does.
#[cfg(target_arch = "x86_64")]
fn no_x32() -> BpfProgram {
    // Operation codes of classic BPF (linux/bpf_common.h): load a word, jump if not below, return.
    const LOAD: u16 = 0x20;
    const JUMP_FROM: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let line = |code, jt, k| sock_filter { code, jt, jf: 0, k };
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    vec![
        // `nr` is the first field of seccomp_data.
        line(LOAD, 0, 0),
        line(JUMP_FROM, 1, X32),
        line(RETURN, 0, SeccompAction::Allow.into()),
        line(RETURN, 0, missing.into()),
    ]
}
