"""What is deployed: one file a stack, put together by :func:`stacks.application.build_app`."""
