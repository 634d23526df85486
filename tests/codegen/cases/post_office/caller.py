"""Sends a parcel and prints what is on its way: `caller.py URL KEY`."""

import sys
from uuid import uuid4

from post_office.client import Client, Credentials, ProblemAnswer
from post_office.client.parcels import SendParcel201, SendParcel202, SendParcel409
from post_office.models import NewParcel


def main(url: str, key: str) -> None:
    with Client(url, Credentials(counter=key)) as client:
        match client.send_parcel(body=NewParcel(to="Emma", grams=120)):
            case SendParcel201(body=sent, location=location):
                print(sent.to, location)
            case SendParcel202():
                print("would be sent")
            case SendParcel409(body=overweight):
                print("at most", overweight.limit_grams, "g")
        for page in client.list_parcels_pages(limit=50):
            for parcel in page.body.items:
                print(parcel.to, parcel.grams)
        try:
            client.close_(parcel_id=uuid4())
        except ProblemAnswer as problem:
            print(problem.status, problem.title)


if __name__ == "__main__":
    main(*sys.argv[1:])
