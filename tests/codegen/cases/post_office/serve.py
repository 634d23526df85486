"""The service beside it, in a process of its own: `serve.py PORT`."""

import sys

import uvicorn

from service import application

if __name__ == "__main__":
    uvicorn.run(application("secret"), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
