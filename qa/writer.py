"""The optional writer: a language model behind any server that speaks OpenAI's protocol.

It is given the quotes and nothing else (`qa.writing.prompt`); nothing it says is shown unchecked (`qa.writing.checks`).
This module imports no package for language models; `OpenAIWriter` does, when one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qa.config import api_key
from qa.errors import QAError, WriterError
from qa.writing.prompt import prompt

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from openai import Stream
    from openai.types.chat import ChatCompletionChunk

    from qa.config import Settings
    from qa.types import Citation, Lang, Writer

_EVENTS: Final = "text/event-stream"
#: Why a model may stop and what it wrote still counts; ``length``: the last sentence is cut off, which the checks see.
_STOPPED: Final = frozenset({"stop", "length", "eos", "end_turn"})


def load_writer(settings: Settings) -> Writer | None:
    """The writer that the settings ask for, or None. Connects to nothing.

    Raises:
        QAError: The package it needs is not installed, or the key cannot be sent.
    """
    if settings.writer == "none" or settings.base_url is None or settings.model is None:
        return None
    return OpenAIWriter(
        settings.base_url,
        settings.model,
        key=api_key(settings),
        timeout=settings.writer_timeout,
        stall=settings.writer_stall,
        temperature=settings.writer_temperature,
        proxy=settings.writer_proxy,
    )


class OpenAIWriter:
    """Chat completions, streamed. One request a question: nothing is tried again, so that a timeout is a timeout."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 30.0,
        stall: float = 15.0,
        temperature: float | None = None,
        proxy: str | None = None,
    ) -> None:
        """A writer that connects to nothing until it is asked.

        Args:
            base_url: Where ``/chat/completions`` stands below.
            model: Name of the model, as the server knows it.
            key: Sent as a bearer token, or None.
            timeout: Seconds for the whole answer; the silence under way when they are over may still end.
            stall: Seconds of silence, before the first word and between any two.
            temperature: How freely it words, 0 to 2; None leaves it to the server.
            proxy: Address of a proxy. None: no proxy, whatever the environment says.
        """
        try:
            import httpx2  # noqa: PLC0415 - with a writer only
            import openai  # noqa: PLC0415

            from qa.writing.transport import BoundedTransport  # noqa: PLC0415
        except ImportError as error:
            raise QAError(f"the writer cannot be loaded: {error}", "pip install 'article-qa[llm]'") from None
        self._model = model
        self._temperature = openai.omit if temperature is None else temperature
        patience = min(timeout, stall)
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key="unused",  # the transport sends the real one
            max_retries=0,
            timeout=httpx2.Timeout(patience),
            http_client=httpx2.Client(
                transport=BoundedTransport(key, timeout, proxy), trust_env=False, follow_redirects=False
            ),
        )

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    def write(self, question: str, lang: Lang, citations: Sequence[Citation]) -> Generator[str, None, None]:
        """Pieces of prose as they come.

        Raises:
            WriterError: With the reason (docs/WRITER.md).
        """
        import httpx2  # noqa: PLC0415
        import openai  # noqa: PLC0415

        told = prompt(question, lang, citations)
        begun = False
        try:
            stream = self._client.chat.completions.create(
                model=self._model,
                messages=[{"role": "system", "content": told.system}, {"role": "user", "content": told.user}],
                temperature=self._temperature,
                stream=True,
            )
            begun = True
            with stream:
                yield from _contents(stream)
        except openai.APITimeoutError:
            raise WriterError("timeout", "the writer did not answer in time", "raise writer_timeout") from None
        except openai.APIConnectionError as error:
            reason = "broken" if begun or isinstance(error.__cause__, httpx2.ReadError) else "unreachable"
            raise WriterError(reason, f"no connection to the writer: {error.__cause__ or error}") from None
        except openai.APIStatusError as error:
            said = f"the writer's server answered with HTTP {error.status_code}"
            raise WriterError("status", said, _MENDS.get(error.status_code, ""), error.status_code) from None
        except openai.APIError:
            raise WriterError("broken", "the writer's server reported an error in its answer") from None
        except (httpx2.HTTPError, OSError) as error:
            raise WriterError("broken", f"the connection to the writer broke: {error}") from None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise WriterError(
                "malformed", "the writer's answer is not of OpenAI's protocol", "check base_url"
            ) from None


_MENDS: Final = {
    401: "set QA_WRITER_API_KEY",
    403: "set QA_WRITER_API_KEY",
    404: "check base_url (it often ends in /v1) and model",
    429: "the server limits how often it is asked",
}


def _contents(stream: Stream[ChatCompletionChunk]) -> Iterator[str]:
    """The text of the pieces, until the model says that it has ended."""
    if not stream.response.headers.get("content-type", "").lower().startswith(_EVENTS):
        raise WriterError("malformed", "the writer's server does not stream", "check base_url")
    some = False
    for chunk in stream:
        for choice in (chunk.choices or [])[:1]:
            some = True
            delta = choice.delta
            if delta is not None and delta.refusal:
                raise WriterError("declined", "the model declined")
            if delta is not None and delta.content:
                if not isinstance(delta.content, str):  # the package checks no types
                    raise WriterError("malformed", "the writer's answer is no text", "check base_url")
                yield delta.content
            if choice.finish_reason in _STOPPED:
                return
            if choice.finish_reason:
                raise WriterError("declined", f"the model stopped: {choice.finish_reason}")
    if some:
        raise WriterError("broken", "the writer's answer has no end")
    raise WriterError("malformed", "the writer's answer is empty", "check base_url")
