"""Reddit's search, by praw (https://praw.readthedocs.io)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from unskew.curate.queries import Query
from unskew.curate.record import RIGHTS_RESERVED
from unskew.curate.sources.base import (
    Found,
    Page,
    SourceError,
    client,
    key_from_environment,
    refusal,
    understood,
)
from unskew.curate.sources.patience import Patience, UnreachableError, user_agent
from unskew.curate.sources.words import joined

ID, SECRET = "REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"
_PER_PAGE = 100
_IMAGES = (".jpg", ".jpeg", ".png", ".webp")


class Reddit:
    """Image posts and galleries found by keyword, without those marked as not safe for work.

    Read only, as an application: REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET. Reddit wants to know
    whom to write to: UNSKEW_CONTACT.
    """

    name = "reddit"
    by_keyword = True

    def __init__(
        self,
        subreddit: str = "all",
        place: str = "https://oauth.reddit.com",
        login: str = "https://www.reddit.com",
        patience: Patience | None = None,
    ) -> None:
        """`login`: where the access token comes from. Raises InputError where a key is not set."""
        from unskew.curate.sources.adapter import PatientAdapter, patient_session

        praw = client("praw")
        patience = patience or Patience()
        identity = key_from_environment(ID, "the id of your application at Reddit")
        secret = key_from_environment(SECRET, "the secret of your application at Reddit")
        key_from_environment("UNSKEW_CONTACT", "your Reddit user name or an address, for Reddit")
        self.place = f"{place}/r/{subreddit}"
        self._subreddit = subreddit
        self._adapter = PatientAdapter(self.name, patience)
        # All that praw would otherwise take from a praw.ini that lies about is given.
        self._reddit = praw.Reddit(
            client_id=identity.get_secret_value(),
            client_secret=secret.get_secret_value(),
            user_agent=user_agent(),
            username=None,
            password=None,
            refresh_token=None,
            oauth_url=place,
            reddit_url=login,
            check_for_updates=False,
            requestor_kwargs={"session": patient_session(self._adapter)},
        )

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """`after` is the full name of the last post."""
        while True:
            listing = self._search(query.text, after)
            with understood(self.name):
                # vars: praw fetches an attribute that a post lacks, with a request for each.
                posts = [vars(post) for post in listing]
                found = tuple(image for post in posts for image in _images(post))
                after = listing.after
            yield Page(found, after)
            if after is None:
                return

    def _search(self, text: str, after: str | None) -> Any:
        import prawcore
        from praw.exceptions import RedditAPIException

        parameters = {"q": text, "sort": "new", "type": "link", "limit": _PER_PAGE}
        if after:
            parameters["after"] = after
        if self._subreddit != "all":
            parameters["restrict_sr"] = "true"
        try:
            with understood(self.name):  # also the answer that should hold the token
                return self._reddit.get(f"r/{self._subreddit}/search/", params=parameters)
        except prawcore.RequestException as error:
            if isinstance(error.original_exception, UnreachableError):
                # Without the chain: praw's error holds the request, and so the key.
                raise error.original_exception from None
            raise
        except RedditAPIException:
            raise refusal(self.name, 400) from None
        except SourceError:
            # prawcore knows only some of the reasons that a header may give for a 401.
            if self._adapter.status != 401:
                raise
            status = 401
        except prawcore.BadJSON:
            raise SourceError(f"{self.name} answered with something that is not JSON") from None
        except (prawcore.ResponseException, prawcore.OAuthException) as error:
            status = error.response.status_code
        # Reddit says that a login failed with a 200, too.
        raise refusal(self.name, 401 if status == 200 else status, f"{ID} and {SECRET}")


def _images(post: dict[str, Any]) -> Iterator[Found]:
    if post.get("over_18"):
        return
    if post.get("is_gallery"):
        metadata = post.get("media_metadata") or {}
        for item in (post.get("gallery_data") or {}).get("items", ()):
            media = metadata.get(item["media_id"], {})
            if media.get("status") == "valid" and "u" in media.get("s", {}):
                yield _found(post, item["media_id"], media["s"]["u"], item.get("caption"))
    elif urlsplit(post["url"]).path.lower().endswith(_IMAGES):
        yield _found(post, "", post["url"], None)


def _found(post: dict[str, Any], part: str, url: str, caption: str | None) -> Found:
    author = post.get("author")
    return Found(
        key=f"{post['id']}/{part}",
        url=url,
        page=f"https://www.reddit.com/comments/{post['id']}/",
        licence=RIGHTS_RESERVED,
        text=joined(post["title"], caption, post.get("selftext")),
        author=author.name if author else None,
    )
