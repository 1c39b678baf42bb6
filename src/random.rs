//! What nobody can guess.

/// 128 random bits of the operating system as 32 hexadecimal digits; `None` when it gives none.
pub fn token() -> Option<String> {
    let mut bytes = [0u8; 16];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}
