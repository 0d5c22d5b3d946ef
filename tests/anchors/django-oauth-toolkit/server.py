"""An authorization server that Tieline's authors did not write, with a ledger of what it saw.

    python3 server.py --folder FOLDER --redirect-uri URI [--grace-period SECONDS] [--access-token-ttl SECONDS]

It keeps its database in FOLDER, which is the caller's to remove, binds a free port of 127.0.0.1 and writes one JSON
object a line to stdout: first {"event":"ready","issuer":…,"port":…,"clients":[…]}, then one line per event, before
the answer that caused it is sent. Tokens appear as their SHA-256 (hex) only. A line of text on stdin comes back as
{"event":"mark","text":…}, after everything logged so far; when stdin closes, the server exits.

It requires PKCE and rotates refresh tokens. A spent one still works for the grace period: it brings the tokens again
that it brought before. After that its use ends all tokens of the grant. A refresh ends the old access token. Each
connection carries one request.
"""

import argparse
import hashlib
import json
import os
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import include, path

# A secret with characters that Basic must form-encode first (RFC 6749, section 2.3.1).
CLIENT_ID = "tieline:django"
CLIENT_SECRET = "a secret of+django, 100%: /?&="
USER = {"username": "ada", "password": "any"}
LOGIN_PAGE = '<form method="post">{% csrf_token %}{{ form }}<button>Sign in</button></form>'

writing = threading.Lock()


def log(event, **details):
    line = json.dumps({"event": event, **details})
    with writing:
        print(line, flush=True)


def sha256(token):
    return hashlib.sha256(token.encode()).hexdigest() if token else None


def whole_seconds(least):
    def parse(text):
        seconds = int(text)
        if seconds < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of seconds, at least {least}")
        return seconds

    return parse


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--redirect-uri", required=True)
    parser.add_argument("--grace-period", type=whole_seconds(0), default=0)
    parser.add_argument("--access-token-ttl", type=whole_seconds(1), default=3600)
    return parser.parse_args()


def configure(options):
    templates = {"registration/login.html": LOGIN_PAGE}
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.path.join(options.folder, "db.sqlite3"),
                "OPTIONS": {"timeout": 30},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        LOGIN_URL="/login/",
        MIDDLEWARE=[
            "__main__.ledger",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": options.access_token_ttl,
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
            "PKCE_REQUIRED": True,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": options.grace_period,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "ROTATE_REFRESH_TOKEN": True,
        },
        # Slow hashes protect people; these are fixtures, and one is checked at each token request.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="__main__",
        SECRET_KEY="of a server that lives as long as one test",
        STATIC_URL="/static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": ["django.contrib.auth.context_processors.auth"],
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", templates),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        USE_TZ=True,
    )
    django.setup()


def ledger(get_response):
    """A middleware that logs before the answer is sent."""

    def middleware(request):
        response = get_response(request)
        if request.path == "/token/":
            log("token", **token_request(request.POST, response))
        elif request.path == "/revoke_token/":
            log("revocation", status=response.status_code, token=sha256(request.POST.get("token")))
        elif request.path == "/api/me":
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            log("me", status=response.status_code, token=sha256(token))
        return response

    return middleware


def token_request(form, response):
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = {"error": "(an answer that is no JSON)"}
    return {
        "grant_type": form.get("grant_type"),
        "status": response.status_code,
        "refresh_token": sha256(form.get("refresh_token")),
        "issued_access_token": sha256(answer.get("access_token")),
        "issued_refresh_token": sha256(answer.get("refresh_token")),
        "error": answer.get("error"),
    }


def populate(options):
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0, interactive=False)
    get_user_model().objects.create_user(**USER)
    Application.objects.create(
        name="Tieline",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=options.redirect_uri,
    )


def routes():
    from django.contrib.auth.views import LoginView
    from oauth2_provider.decorators import protected_resource

    @protected_resource(advertise_metadata=True)
    def me(request):
        return JsonResponse({"sub": request.resource_owner.username})

    return [
        path("login/", LoginView.as_view()),
        path("api/me", me),
        path("", include("oauth2_provider.urls", namespace="oauth2_provider")),
    ]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self):
        # The library's own asks the network for the host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        """Nothing: the ledger tells what matters."""


def main():
    global urlpatterns
    options = arguments()
    configure(options)
    populate(options)
    urlpatterns = routes()
    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log(
        "ready",
        issuer=f"http://127.0.0.1:{server.server_port}",
        port=server.server_port,
        clients=[
            {
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "token_endpoint_auth_method": method,
            }
            for method in ("client_secret_basic", "client_secret_post")
        ],
    )
    for text in sys.stdin:
        log("mark", text=text.rstrip("\n"))


if __name__ == "__main__":
    main()
