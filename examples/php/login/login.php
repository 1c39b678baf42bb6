<?php
/** A login, as your site has one: it leaves the user's name in PHP's session. Here everybody is believed. */
declare(strict_types=1);

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'use_strict_mode' => true]);
if (is_string($_POST['name'] ?? null) && $_POST['name'] !== '') {
    session_regenerate_id(true);
    $_SESSION['user'] = $_POST['name'];
    header('Location: /wsapp/');
    return;
}
?>
<!doctype html>
<title>Log in</title>
<form method="post"><label>Name <input name="name" autofocus></label> <button>Log in</button></form>
