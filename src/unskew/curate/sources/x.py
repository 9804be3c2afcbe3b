"""X (Twitter): the search of API v2 over the last week, by tweepy (https://docs.tweepy.org)."""

from collections.abc import Iterator
from typing import Any

from unskew.curate.queries import Query
from unskew.curate.record import RIGHTS_RESERVED
from unskew.curate.sources.base import (
    Found,
    Page,
    client,
    key_from_environment,
    refusal,
    understood,
)
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.words import plain

KEY = "X_BEARER_TOKEN"
_TWEEPY_ASKS = "https://api.twitter.com"
_PER_PAGE = 100


class X:
    """Photos of posts found by keyword, without reposts and what is marked as sensitive.

    The key comes from X_BEARER_TOKEN.
    """

    name = "x"
    by_keyword = True

    def __init__(self, place: str = "https://api.x.com", patience: Patience | None = None) -> None:
        """Raises InputError where the key is not set."""
        from unskew.curate.sources.adapter import PatientAdapter, patient_session

        tweepy = client("tweepy")
        token = key_from_environment(KEY, "the bearer token of your project at X")
        self.place = place
        # tweepy logs the headers that it makes, so it is not told the key.
        self._client = tweepy.Client(bearer_token="not told", return_type=dict)
        self._client.session = patient_session(
            PatientAdapter(
                self.name,
                patience or Patience(),
                moved=(_TWEEPY_ASKS, place),
                headers={"Authorization": f"Bearer {token.get_secret_value()}"},
            )
        )

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """`after` is the token of the next page."""
        while True:
            answer = self._search(query.text, after)
            with understood(self.name):
                found = tuple(_photos(answer))
                after = answer["meta"].get("next_token")
            yield Page(found, after)
            if after is None:
                return

    def _search(self, text: str, after: str | None) -> dict[str, Any]:
        import tweepy

        try:
            with understood(self.name):
                return self._client.search_recent_tweets(
                    f"{text} has:images -is:retweet",
                    next_token=after,
                    max_results=_PER_PAGE,
                    expansions=["attachments.media_keys", "author_id"],
                    tweet_fields=["attachments", "author_id", "possibly_sensitive"],
                    media_fields=["type", "url"],
                    user_fields=["username"],
                )
        except tweepy.HTTPException as error:
            status = error.response.status_code
        # Outside of the handler: tweepy's error holds the request, and so the key.
        raise refusal(self.name, status, KEY)


def _photos(answer: dict[str, Any]) -> Iterator[Found]:
    included = answer.get("includes", {})
    media = {item["media_key"]: item for item in included.get("media", ())}
    authors = {user["id"]: user["username"] for user in included.get("users", ())}
    for post in answer.get("data", ()):
        if post.get("possibly_sensitive"):
            continue
        for key in post.get("attachments", {}).get("media_keys", ()):
            item = media.get(key, {})
            if item.get("type") == "photo" and item.get("url"):
                yield Found(
                    key=f"{post['id']}/{key}",
                    url=item["url"],
                    # Without the author's handle, which addresses of posts usually hold.
                    page=f"https://x.com/i/web/status/{post['id']}",
                    licence=RIGHTS_RESERVED,
                    text=plain(post["text"]),
                    author=authors.get(post["author_id"]),
                )
