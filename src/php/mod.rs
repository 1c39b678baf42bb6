//! The PHP surface: a thin shell that turns method calls into commands and events into calls of closures.
//!
//! One file per noun of `stubs/towline.stub.php`. `state` is what a loop keeps for PHP, `dispatch` goes from events to
//! closures, `wait` awaits; `errors` is the one place where errors become exceptions; `shim.c` holds what only C can
//! say to the engine.

mod apart;
mod balance;
mod call;
mod class;
mod client;
mod current;
mod dispatch;
mod docker_calls;
mod docker_client;
mod docker_dispatch;
mod docker_exec;
mod docker_options;
mod docker_query;
mod docker_result;
mod each;
mod errors;
mod event_loop;
mod ffi;
mod fiber;
mod form;
mod fpm;
mod future;
mod gc;
mod json;
mod options;
mod request;
mod response;
mod state;
mod stats;
mod strings;
mod terminal_dispatch;
mod terminal_hello;
mod terminal_hub;
mod terminal_session;
mod terminal_tokens;
mod timer;
mod value;
mod wait;
mod websocket_connection;
mod websocket_dispatch;
mod websocket_file;
mod websocket_options;
mod websocket_request;
mod websocket_response;
mod websocket_server;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::ffi::{php_info_print_table_end, php_info_print_table_row, php_info_print_table_start};
use ext_php_rs::internal::startup_guard;
use ext_php_rs::php_module;
use ext_php_rs::zend::ModuleEntry;
use std::ffi::CString;

/// MINIT: exceptions first, for nothing depends on more.
extern "C" fn startup(_kind: i32, _module: i32) -> i32 {
    startup_guard(|| {
        errors::register()?;
        fiber::set_job(apart::job);
        class::register::<event_loop::Loop>()?;
        class::register::<timer::Timer>()?;
        class::register::<future::Future>()?;
        class::register::<client::Client>()?;
        class::register::<request::Request>()?;
        class::register::<response::Response>()?;
        class::register::<each::Results>()?;
        class::register::<fpm::Fpm>()?;
        class::register::<docker_client::Client>()?;
        class::register::<docker_exec::Exec>()?;
        class::register::<docker_result::Result>()?;
        class::register::<websocket_server::Server>()?;
        class::register::<websocket_connection::Connection>()?;
        class::register::<websocket_request::Request>()?;
        class::register::<websocket_response::Response>()?;
        class::register::<terminal_hub::Hub>()?;
        class::register::<terminal_session::Session>()?;
        class::register::<terminal_hello::Hello>()?;
        class::register::<terminal_tokens::Tokens>()?;
        class::register::<terminal_tokens::Pass>()
    })
}

/// RSHUTDOWN: everything of the PHP request that is still open is closed, without calling PHP.
extern "C" fn request_shutdown(_kind: i32, _module: i32) -> i32 {
    let closed = std::panic::catch_unwind(|| {
        state::close_all();
        fpm::stop_all();
    });
    i32::from(closed.is_err())
}

/// What `php --ri towline` shows.
extern "C" fn info(_module: *mut ModuleEntry) {
    let poll = if cfg!(any(target_os = "linux", target_os = "android")) { "epoll" } else { "kqueue" };
    let rows = [
        ("Towline", env!("CARGO_PKG_VERSION")),
        ("Poll backend", poll),
        ("mio", env!("TOWLINE_VERSION_MIO")),
        ("socket2", env!("TOWLINE_VERSION_SOCKET2")),
        ("bytes", env!("TOWLINE_VERSION_BYTES")),
        ("slotmap", env!("TOWLINE_VERSION_SLOTMAP")),
        ("httparse", env!("TOWLINE_VERSION_HTTPARSE")),
        ("rustls", env!("TOWLINE_VERSION_RUSTLS")),
        ("ring", env!("TOWLINE_VERSION_RING")),
        ("serde_json", env!("TOWLINE_VERSION_SERDE_JSON")),
        ("ext-php-rs", env!("TOWLINE_VERSION_EXT_PHP_RS")),
    ];
    // SAFETY: each row is two strings, as announced, which live through the call.
    unsafe {
        php_info_print_table_start();
        for (name, version) in rows {
            let (name, version) = (CString::new(name).unwrap_or_default(), CString::new(version).unwrap_or_default());
            php_info_print_table_row(2, name.as_ptr(), version.as_ptr());
        }
        php_info_print_table_end();
    }
}

#[php_module]
fn module(module: ModuleBuilder) -> ModuleBuilder {
    module
        .startup_function(startup)
        .request_shutdown_function(request_shutdown)
        .info_function(info)
        .enumeration::<balance::Balance>()
        .enumeration::<balance::Role>()
}
