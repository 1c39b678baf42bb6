//! Tells a forked child from the process that made the loop, without a system call each time.

#[cfg(target_os = "linux")]
/// One page that the kernel hands to a forked child as zeros.
pub struct ForkGuard {
    page: *mut u8,
    pid: u32,
}

#[cfg(target_os = "linux")]
impl ForkGuard {
    /// Marks this process as the owner.
    pub fn mark() -> Self {
        // SAFETY: an anonymous mapping of one page; the result is checked before use.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        let pid = std::process::id();
        if page == libc::MAP_FAILED {
            return ForkGuard { page: std::ptr::null_mut(), pid };
        }
        // SAFETY: `page` is a mapping of PAGE bytes made above.
        if unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) } != 0 {
            // SAFETY: the same mapping, not used again.
            unsafe { libc::munmap(page, PAGE) };
            return ForkGuard { page: std::ptr::null_mut(), pid };
        }
        let page = page.cast::<u8>();
        // SAFETY: the mapping is writable.
        unsafe { page.write(1) };
        ForkGuard { page, pid }
    }

    /// True in a child of the process that called [`mark`](Self::mark).
    pub fn is_child(&self) -> bool {
        if self.page.is_null() {
            return std::process::id() != self.pid;
        }
        // SAFETY: the mapping lives as long as `self`; volatile, for the kernel changes it behind our back.
        unsafe { self.page.read_volatile() == 0 }
    }
}

#[cfg(target_os = "linux")]
impl Drop for ForkGuard {
    fn drop(&mut self) {
        if !self.page.is_null() {
            // SAFETY: mapped in `mark`, unmapped once.
            unsafe { libc::munmap(self.page.cast(), PAGE) };
        }
    }
}

#[cfg(target_os = "linux")]
// SAFETY: the page is private to the guard and only read.
unsafe impl Send for ForkGuard {}

#[cfg(target_os = "linux")]
const PAGE: usize = 4096;

#[cfg(not(target_os = "linux"))]
/// Compares process ids.
pub struct ForkGuard {
    pid: u32,
}

#[cfg(not(target_os = "linux"))]
impl ForkGuard {
    /// Marks this process as the owner.
    pub fn mark() -> Self {
        ForkGuard { pid: std::process::id() }
    }

    /// True in a child of the process that called [`mark`](Self::mark).
    pub fn is_child(&self) -> bool {
        std::process::id() != self.pid
    }
}
