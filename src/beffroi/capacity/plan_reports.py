"""Reports of the plans that the platform keeps."""

from beffroi.capacity.ports import ReportMaker
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.service import CapacityService
from beffroi.kernel.catalogue import Language
from beffroi.kernel.rights.model import Actor


class PlanReports:
    """Has plans written down, for those who may see them."""

    def __init__(self, capacity: CapacityService, maker: ReportMaker) -> None:
        self._capacity = capacity
        self._maker = maker

    async def report(self, actor: Actor, plan_id: str, language: Language) -> bytes:
        """Return the report of one plan as PDF.

        Raises:
            NotFoundError: There is none of that id.
        """
        kept = await self._capacity.plan(actor, plan_id)
        request = ReportRequest(
            title=kept.summary.title,
            made_at=kept.summary.made_at,
            plan=kept.plan,
            savings=kept.savings,
            remarks=kept.remarks,
            language=language,
        )
        return await self._maker.make(request)
