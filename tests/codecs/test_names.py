"""What names of fields say, in several languages and ways of writing; what only looks like it says nothing."""

from __future__ import annotations

import pytest

from pcapkit.codecs.names import is_secret, is_secret_name, key_name, password_meaning, user_rank

SURE = """password Password PASSWORD userPassword user_password user[password] login.password LoginForm[password] j_password
    passwd Passwort kennwort contraseña contrasena wachtwoord senha passord adgangskode lösenord salasana hasło heslo
    jelszó mot_de_passe motDePasse şifre lozinka пароль ПАРОЛЬ 密码 密碼 パスワード 비밀번호 سيسمة passWord pass_word
    passphrase passcode
    new_password old-password confirmPassword password2 password[first] password.value passwords[0] ctl00$Login$Password
    vb_login_password Envelope.Body.login.password""".replace("سيسمة", "סיסמה").split()
MAYBE = """pass pwd pw psw pin txtPwd txtPass userpass user_pass log_pwd loginpwd user[pass] login.pin mdp clave upass
    pass1""".split()
NONE = """passport passage compass compassion passenger bypass passive passed encompass pwdb spin pinned opinion password_hint
    passwordHint passwordReset reset_password_token forgot_password password_length show_password pass_count passport_number
    csrf_token authenticity_token passwordPolicy.min resetPassword.email user name q x tests.passed""".split()


@pytest.mark.parametrize("name", SURE)
def test_a_name_that_says_password_is_enough(name: str) -> None:
    assert password_meaning(name).weight >= 55 and is_secret_name(name)


@pytest.mark.parametrize("name", MAYBE)
def test_a_name_that_may_say_password_needs_company(name: str) -> None:
    assert 0 < password_meaning(name).weight < 55 and is_secret_name(name)


@pytest.mark.parametrize("name", NONE)
def test_what_only_looks_like_a_password(name: str) -> None:
    assert password_meaning(name).weight == 0


@pytest.mark.parametrize("name", ["passwd_hash", "md5password", "vb_login_md5password", "passwordHash", "pwd_sha1",
                                  "hashed_password", "UsernameToken.PasswordDigest", "encPass"])
def test_a_hash_of_a_password_is_told_from_one(name: str) -> None:
    assert password_meaning(name).weight and password_meaning(name).hashed


@pytest.mark.parametrize(("better", "worse"), [
    ("username", "name"), ("user", "id"), ("j_username", "first_name"), ("log", "code"), ("email", "name"), ("login", "email"),
    ("user[login]", "user[name]"), ("benutzername", "name"), ("用户名", "name"), ("txtUserName", "txtName"), ("логин", "id")])
def test_users_are_told_by_rank(better: str, worse: str) -> None:
    assert user_rank(better) > user_rank(worse) > 0


@pytest.mark.parametrize("name", ["user_agent", "userType", "email_optin", "user_token", "password", "user_password", "lang", "q",
                                  "username_hint", "submit", "loginButton", ""])
def test_what_is_no_user(name: str) -> None:
    assert user_rank(name) == 0


def test_keys_by_name_and_by_value() -> None:
    assert key_name("api_key") == key_name("apiKey") == key_name("user[access_token]") == "sure"
    assert key_name("key") == key_name("token") == "perhaps" and key_name("keyword") == ""
    assert is_secret("key", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6") and not is_secret("key", "my-first-post")


def test_a_name_without_end_is_read_at_its_end() -> None:
    assert password_meaning("x" * 1_000_000 + ".password").weight and user_rank("x." * 1_000_000 + "user")
