//! The enums `\Towline\FastCgi\Balance` and `\Towline\FastCgi\Role`.
#![allow(missing_docs, reason = "what ext-php-rs generates has no docs")]

use crate::fastcgi;
use ext_php_rs::php_enum;

/// How requests are spread over several upstreams.
#[php_enum]
#[php(name = "Towline\\FastCgi\\Balance")]
#[derive(Debug, Clone, Copy)]
pub enum Balance {
    LeastConnections,
    RoundRobin,
}

/// The role that the FastCGI application plays.
#[php_enum]
#[php(name = "Towline\\FastCgi\\Role")]
#[derive(Debug, Clone, Copy)]
pub enum Role {
    #[php(value = 1)]
    Responder,
    #[php(value = 2)]
    Authorizer,
    #[php(value = 3)]
    Filter,
}

impl From<Balance> for fastcgi::Balance {
    fn from(balance: Balance) -> Self {
        match balance {
            Balance::LeastConnections => fastcgi::Balance::LeastConnections,
            Balance::RoundRobin => fastcgi::Balance::RoundRobin,
        }
    }
}

impl From<Role> for fastcgi::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Responder => fastcgi::Role::Responder,
            Role::Authorizer => fastcgi::Role::Authorizer,
            Role::Filter => fastcgi::Role::Filter,
        }
    }
}
