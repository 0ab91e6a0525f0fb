"""Asking over HTTP: one request, and its answer; or what kept it from coming.

    no connection               certainly not taken
    a break behind the request  perhaps taken

requests opens, keeps and checks the connections. What its sessions do besides (cookies, redirects, passwords of .netrc,
proxies of the environment) has no place here and would take more time than all the rest: its adapter is asked itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from requests import ConnectionError as NoConnection
from requests import ConnectTimeout, PreparedRequest, RequestException, Timeout
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from newsletter import __version__
from newsletter.outcome import Reply
from newsletter.providers import Response, Trouble, What

if TYPE_CHECKING:
    from newsletter.providers import Request

_CONNECT = 15.0  # seconds at most for a connection
_MOST = 4_000_000  # octets of an answer that are read

# Unless the provider's module says otherwise. Answers are short: to pack them would save nothing.
_HEADERS = {"User-Agent": f"newsletter/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
_NO_CONNECTION = Trouble(What.THROTTLED, Reply(0, "4.4.1", "no connection"))


class Asker:
    """So many connections, shared by threads, and kept open between requests."""

    def __init__(self, connections: int, timeout: float) -> None:
        """`timeout` is in seconds, for an answer."""
        self._timeout = timeout
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)

    def ask(self, request: Request) -> Response | Trouble:
        """The answer to a request; a trouble when none came."""
        asked = PreparedRequest()
        asked.method, asked.url, asked.body = request.method, _prepared(request.url), request.body
        asked.headers = CaseInsensitiveDict({**_HEADERS, **request.headers, "Content-Length": str(len(request.body))})
        try:
            timeout = (min(self._timeout, _CONNECT), self._timeout)
            with self._adapter.send(asked, stream=True, timeout=timeout) as answer:
                body = answer.raw.read(_MOST, decode_content=True)
                return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)
        except ConnectTimeout:
            return _NO_CONNECTION
        except NoConnection as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if isinstance(reason, NewConnectionError):  # not one octet has left
                return _NO_CONNECTION
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", "the connection broke after the request"))
        except (Timeout, ReadTimeoutError):
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", f"no answer within {self._timeout:g} s"))
        except (RequestException, HTTPError, OSError) as error:
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", f"no answer: {type(error).__name__}"))

    def close(self) -> None:
        """Let go of the connections."""
        self._adapter.close()


@lru_cache(maxsize=16)
def _prepared(url: str) -> str:
    """The address as it is asked for: its host in ASCII, and what has no place in an address escaped."""
    made = PreparedRequest()
    made.prepare_url(url, None)
    assert isinstance(made.url, str)
    return made.url
