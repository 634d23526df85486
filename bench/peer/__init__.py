"""The same three operations as a FastAPI developer would write them by the book.

Sync path operations in the thread pool, dependencies for key, role and transaction, SQLAlchemy
Core, response_model. It shares the tables and the pure policies with this service, no statement,
and nothing of how requests are served.
"""
