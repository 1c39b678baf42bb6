//! Calls of `\Towline\Docker\Client` whose answer a future yields.

use super::class::{self, This, parse};
use super::docker_client::{self, Client};
use super::errors::{self, Answer};
use super::future::Future;
use super::state::{Call as Pending, Operation, State, Yields};
use super::{docker_query, json, options, strings, value};
use crate::Event;
use crate::docker::{self, Call, CallKey, ClientKey, Commands, LogsOptions, RunOptions, StreamCall};
use ext_php_rs::ffi::zend_string;
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ptr::null_mut;
use std::rc::Rc;

/// Starts a call for a client; its end settles the future that is returned.
pub fn submit(
    this: This<Client>,
    yields: Yields,
    follower: Zval,
    start: impl FnOnce(&mut Commands<'_, Event>, ClientKey) -> Result<CallKey, docker::Error>,
) -> Answer<Zval> {
    docker_client::open(this)?;
    let started = this.state.core(|core| start(&mut core.docker(), this.key))?;
    let key = started.map_err(|error| errors::throw(&error))?;
    Ok(pending(this, key, yields, follower))
}

/// The future of a call that has been started.
pub fn pending(client: This<Client>, key: CallKey, yields: Yields, follower: Zval) -> Zval {
    let owner = docker_client::owner(client);
    let future = Future::create(owner, Rc::clone(&client.state), Operation::Call(key));
    let call = Pending { future: future.shallow_clone(), client: client.key, yields, follower, cancelled: false };
    client.state.calls.borrow_mut().insert(key, call);
    future
}

/// Ends a call for the program.
pub fn cancel(state: &State, key: CallKey) {
    let follower = {
        let mut calls = state.calls.borrow_mut();
        calls.get_mut(key).map(Pending::cancel)
    };
    state.core_quietly(|core| core.docker().cancel(key));
    drop(follower);
}

fn held(closure: *mut Zval) -> Zval {
    // SAFETY: null, or an argument of the running function.
    unsafe { closure.as_ref() }.map_or_else(Zval::new, Zval::shallow_clone)
}

pub fn run(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let (mut container, mut input, mut user, mut folder): (
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
    ) = Default::default();
    let (mut command, mut env): (*mut ZendHashTable, *mut ZendHashTable) = (null_mut(), null_mut());
    let (mut timeout, mut no_timeout) = (0.0f64, true);
    let mut max_output = 64 * 1024 * 1024i64;
    parse!(
        arguments,
        c"Sh|ShSSd!l",
        &raw mut container,
        &raw mut command,
        &raw mut input,
        &raw mut env,
        &raw mut user,
        &raw mut folder,
        &raw mut timeout,
        &raw mut no_timeout,
        &raw mut max_output,
    )?;
    let options = RunOptions {
        container: strings::text(1, container)?,
        command: strings::list(2, command)?,
        input: value::bytes(input).to_vec(),
        env: strings::pairs(4, env)?,
        user: strings::text(5, user)?,
        working_dir: strings::text(6, folder)?,
        timeout: errors::optional_seconds(7, timeout, no_timeout)?,
        max_output: options::at_least(8, max_output, 0)?,
    };
    *ret = submit(this, Yields::Result, Zval::new(), |docker, client| docker.run(client, options))?;
    Ok(())
}

pub fn logs(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let (mut container, mut tail): (*mut zend_string, *mut zend_string) = (null_mut(), null_mut());
    let mut follower: *mut Zval = null_mut();
    let (mut follow, mut timestamps, mut since) = (false, false, 0i64);
    parse!(
        arguments,
        c"SO|bSlb",
        &raw mut container,
        &raw mut follower,
        class::closure_entry(),
        &raw mut follow,
        &raw mut tail,
        &raw mut since,
        &raw mut timestamps,
    )?;
    let container = strings::text(1, container)?;
    let mut logs = LogsOptions { follow, since, timestamps, ..LogsOptions::new(&container) };
    if let Some(tail) = strings::optional(4, tail)? {
        logs.tail = tail;
    }
    *ret = submit(this, Yields::Log, held(follower), |docker, client| docker.stream(client, StreamCall::Logs(logs)))?;
    Ok(())
}

pub fn events(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut follower: *mut Zval = null_mut();
    let mut filters: *mut ZendHashTable = null_mut();
    parse!(arguments, c"O|h", &raw mut follower, class::closure_entry(), &raw mut filters)?;
    let filters = docker_query::filters(2, filters)?;
    *ret = submit(this, Yields::Events, held(follower), |docker, client| {
        docker.stream(client, StreamCall::Events(filters))
    })?;
    Ok(())
}

pub fn containers(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut all = false;
    let mut filters: *mut ZendHashTable = null_mut();
    parse!(arguments, c"|bh", &raw mut all, &raw mut filters)?;
    let call = Call::containers(all, &docker_query::filters(2, filters)?);
    *ret = submit(this, Yields::Json, Zval::new(), |docker, client| docker.call(client, call))?;
    Ok(())
}

pub fn inspect(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut container: *mut zend_string = null_mut();
    parse!(arguments, c"S", &raw mut container)?;
    let call = Call::inspect(&strings::text(1, container)?).map_err(|error| errors::throw(&error))?;
    *ret = submit(this, Yields::Json, Zval::new(), |docker, client| docker.call(client, call))?;
    Ok(())
}

pub fn version(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    *ret = submit(this, Yields::Json, Zval::new(), |docker, client| docker.call(client, Call::version()))?;
    Ok(())
}

pub fn request(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let (mut method, mut path): (*mut zend_string, *mut zend_string) = (null_mut(), null_mut());
    let (mut query, mut headers): (*mut ZendHashTable, *mut ZendHashTable) = (null_mut(), null_mut());
    let (mut body, mut follower): (*mut Zval, *mut Zval) = (null_mut(), null_mut());
    let (mut timeout, mut no_timeout) = (0.0f64, true);
    parse!(
        arguments,
        c"SS|zhhO!d!",
        &raw mut method,
        &raw mut path,
        &raw mut body,
        &raw mut query,
        &raw mut headers,
        &raw mut follower,
        class::closure_entry(),
        &raw mut timeout,
        &raw mut no_timeout,
    )?;
    // First, for it may run PHP code, over which nothing of ours may be alive.
    // SAFETY: the parser succeeded, so this is null or an argument of the running function.
    let body = encoded(unsafe { body.as_ref() })?;
    let call = Call {
        method: strings::text(1, method)?,
        path: strings::text(2, path)?,
        body: value::bytes_of(&body).map(<[u8]>::to_vec),
        query: docker_query::parameters(4, query)?,
        headers: strings::pairs(5, headers)?,
        timeout: errors::optional_seconds(7, timeout, no_timeout)?,
    };
    *ret = match held(follower) {
        none if none.is_null() => submit(this, Yields::Answer, none, |docker, client| docker.call(client, call))?,
        follower => {
            submit(this, Yields::Answer, follower, |docker, client| docker.stream(client, StreamCall::Raw(call)))?
        }
    };
    Ok(())
}

/// A body as bytes: a string as it is, null as none, anything else as JSON.
fn encoded(body: Option<&Zval>) -> Answer<Zval> {
    let Some(body) = body.map(Zval::dereference) else { return Ok(Zval::null()) };
    if body.is_null() || body.is_string() {
        return Ok(body.shallow_clone());
    }
    // The API knows no lists here, so an empty array is an empty object.
    if body.array().is_some_and(ZendHashTable::is_empty) {
        return Ok(value::string(b"{}"));
    }
    json::encode(body)
}
